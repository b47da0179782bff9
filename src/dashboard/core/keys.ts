/** Keys of the whole page: single ones, and pairs such as `g o`. Not while one types into a field. */
import { signal } from "@preact/signals";
import { useLayoutEffect } from "preact/hooks";

export interface Shortcut {
  /** As `KeyboardEvent.key`; two with a space between: one after the other. */
  readonly keys: string;
  readonly label: string;
  readonly group: string;
  readonly run: () => void;
}

const PAIR_MS = 1_200;

/** All that work now, for the help. */
export const shortcuts = signal<readonly Shortcut[]>([]);

/** While the component is shown, from its first frame on. @param own Must be the same array while nothing changes. */
export function useShortcuts(own: readonly Shortcut[]): void {
  useLayoutEffect(() => {
    shortcuts.value = [...shortcuts.peek(), ...own];
    return () => {
      shortcuts.value = shortcuts.peek().filter((shortcut) => !own.includes(shortcut));
    };
  }, [own]);
}

export function startKeys(): void {
  let first: { key: string; at: number } | undefined;
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
    const pair = first !== undefined && event.timeStamp - first.at < PAIR_MS ? `${first.key} ${event.key}` : undefined;
    first = undefined;
    const shortcut = find(pair) ?? find(event.key);
    if (shortcut !== undefined) {
      event.preventDefault();
      shortcut.run();
    } else if (shortcuts.peek().some(({ keys }) => keys.startsWith(`${event.key} `))) {
      first = { key: event.key, at: event.timeStamp };
    }
  });
}

/** Of the same keys, those of what was shown last. */
function find(keys: string | undefined): Shortcut | undefined {
  return shortcuts.peek().findLast((shortcut) => shortcut.keys === keys);
}

/** Into a field, or into something that takes all keys itself: a terminal, a screen. */
function isTyping({ target }: KeyboardEvent): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (document.querySelector("dialog[open]") !== null) return true;
  return target.isContentEditable || target.closest("input, textarea, select, [data-takes-keys]") !== null;
}
