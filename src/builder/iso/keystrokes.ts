/** Text as keys of a US keyboard, in the names of QEMU (QKeyCode). Pure. */
import { InvalidInputError, type Issue } from "../../base/errors.ts";
import type { RecipeKeyStep } from "../recipe.ts";

const UNSHIFTED: Readonly<Record<string, string>> = {
  "\n": "ret",
  "\t": "tab",
  " ": "spc",
  "-": "minus",
  "=": "equal",
  "[": "bracket_left",
  "]": "bracket_right",
  "\\": "backslash",
  ";": "semicolon",
  "'": "apostrophe",
  "`": "grave_accent",
  ",": "comma",
  ".": "dot",
  "/": "slash",
};

/** By what is below it on the same key. */
const SHIFTED: Readonly<Record<string, string>> = {
  "!": "1",
  "@": "2",
  "#": "3",
  $: "4",
  "%": "5",
  "^": "6",
  "&": "7",
  "*": "8",
  "(": "9",
  ")": "0",
  _: "-",
  "+": "=",
  "{": "[",
  "}": "]",
  "|": "\\",
  ":": ";",
  '"': "'",
  "~": "`",
  "<": ",",
  ">": ".",
  "?": "/",
};

/** Each press is keys that are down together. Undefined: there is no key for one of its characters. */
export function tryKeystrokes(text: string): string[][] | undefined {
  const presses = [...text.replaceAll("\r\n", "\n")].map(tryPress);
  return presses.every((press) => press !== undefined) ? presses : undefined;
}

function tryPress(character: string): string[] | undefined {
  if (/^[a-z0-9]$/.test(character)) return [character];
  if (/^[A-Z]$/.test(character)) return ["shift", character.toLowerCase()];
  const plain = Object.hasOwn(UNSHIFTED, character) ? UNSHIFTED[character] : undefined;
  if (plain !== undefined) return [plain];
  const below = Object.hasOwn(SHIFTED, character) ? SHIFTED[character] : undefined;
  return below === undefined ? undefined : ["shift", ...(tryPress(below) ?? [])];
}

export interface KeyPresses {
  readonly waitMs: number;
  readonly presses: readonly (readonly string[])[];
}

/** @throws {InvalidInputError} A text has characters that a US keyboard has not. */
export function planKeys(steps: readonly RecipeKeyStep[]): KeyPresses[] {
  const issues: Issue[] = [];
  const plan = steps.map(({ waitMs, type, press }, index): KeyPresses => {
    const typed = tryKeystrokes(type);
    if (typed === undefined) {
      issues.push({
        path: `from.iso.keys[${index}].type`,
        message: "has characters for which a US keyboard has no key",
      });
    }
    return { waitMs, presses: [...(typed ?? []), ...(press.length === 0 ? [] : [press])] };
  });
  if (issues.length > 0) throw new InvalidInputError("The recipe", issues, "task");
  return plan;
}
