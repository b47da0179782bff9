/** Keys as RFB names them: keysyms of X11 for what is typed, codes of the browser for the place on the keyboard. Pure. */

export interface Key {
  readonly keysym: number;
  readonly code: string | null;
}

export interface Combination {
  readonly label: string;
  /** Pressed in this order, let go in the reverse. */
  readonly keys: readonly Key[];
}

const CONTROL: Key = { keysym: 0xffe3, code: "ControlLeft" };
const ALT: Key = { keysym: 0xffe9, code: "AltLeft" };
const SHIFT: Key = { keysym: 0xffe1, code: "ShiftLeft" };
const SUPER: Key = { keysym: 0xffeb, code: "MetaLeft" };
const DELETE: Key = { keysym: 0xffff, code: "Delete" };
const TAB: Key = { keysym: 0xff09, code: "Tab" };
const ESCAPE: Key = { keysym: 0xff1b, code: "Escape" };
const ENTER: Key = { keysym: 0xff0d, code: "Enter" };
const BACKSPACE: Key = { keysym: 0xff08, code: "Backspace" };

const F1 = 0xffbe;

function functionKey(number: number): Key {
  return { keysym: F1 + number - 1, code: `F${number}` };
}

function letter(name: string): Key {
  return { keysym: name.charCodeAt(0), code: `Key${name.toUpperCase()}` };
}

export const CTRL_ALT_DEL: Combination = { label: "Ctrl + Alt + Del", keys: [CONTROL, ALT, DELETE] };

/** What a browser or the system of who looks would keep for itself. */
export const COMBINATIONS: readonly Combination[] = [
  CTRL_ALT_DEL,
  { label: "Alt + Tab", keys: [ALT, TAB] },
  { label: "Alt + F4", keys: [ALT, functionKey(4)] },
  { label: "Super", keys: [SUPER] },
  { label: "Super + R", keys: [SUPER, letter("r")] },
  { label: "Ctrl + W", keys: [CONTROL, letter("w")] },
  { label: "Ctrl + Shift + Esc", keys: [CONTROL, SHIFT, ESCAPE] },
  { label: "Esc", keys: [ESCAPE] },
  { label: "Tab", keys: [TAB] },
  { label: "Ctrl + Alt + F1", keys: [CONTROL, ALT, functionKey(1)] },
  { label: "Ctrl + Alt + F2", keys: [CONTROL, ALT, functionKey(2)] },
  { label: "Ctrl + Alt + F7", keys: [CONTROL, ALT, functionKey(7)] },
];

/** The keys that type a text: one per character; what no keyboard types is left out. */
export function keysOfText(text: string): Key[] {
  return [...text.replaceAll("\r\n", "\n")].flatMap((character) => keyOf(character) ?? []);
}

/**
 * The keys that make `after` out of `before` at its end. The keyboards of phones say only what a field has in it, and may
 * change the whole word that is being typed.
 */
export function keysOfChange(before: string, after: string): Key[] {
  const [old, next] = [[...before], [...after]];
  let same = 0;
  while (same < old.length && old[same] === next[same]) same++;
  const removed = Array.from({ length: old.length - same }, () => BACKSPACE);
  return [...removed, ...keysOfText(next.slice(same).join(""))];
}

function keyOf(character: string): Key | undefined {
  if (character === "\n" || character === "\r") return ENTER;
  if (character === "\t") return TAB;
  const point = character.codePointAt(0) ?? 0;
  if (point < 0x20 || (point >= 0x7f && point < 0xa0)) return undefined;
  // Latin 1 is as it is, all else of Unicode has an offset.
  return { keysym: point <= 0xff ? point : 0x0100_0000 + point, code: null };
}
