/** xterm.js as this dashboard uses it. *Owns* what it puts into the target. */
import { FitAddon } from "@xterm/addon-fit";
import { Terminal as XTerm } from "@xterm/xterm";
import type { Size } from "./shell-connection.ts";
import { isDarkNow, terminalTheme, watchDark } from "./terminal-theme.ts";

interface EmulatorOptions {
  readonly target: HTMLElement;
  readonly isForScreenReader: boolean;
  readonly onInput: (bytes: Uint8Array) => void;
  readonly onResize: (size: Size) => void;
  /** The keyboard is to go back to the page. */
  readonly onLeave: () => void;
}

const SCROLLBACK_LINES = 10_000;
const encoder = new TextEncoder();

export class Emulator {
  readonly #terminal: XTerm;
  readonly #stops: (() => void)[];

  constructor({ target, isForScreenReader, onInput, onResize, onLeave }: EmulatorOptions) {
    const style = getComputedStyle(document.documentElement);
    const terminal = new XTerm({
      allowProposedApi: false,
      cursorBlink: !matchMedia("(prefers-reduced-motion: reduce)").matches,
      fontFamily: style.getPropertyValue("--mono"),
      fontSize: 13,
      lineHeight: 1.2,
      minimumContrastRatio: 4.5,
      scrollback: SCROLLBACK_LINES,
      screenReaderMode: isForScreenReader,
      theme: terminalTheme(isDarkNow()),
    });
    const fit = new FitAddon();
    terminal.loadAddon(fit);
    terminal.open(target);
    terminal.attachCustomKeyEventHandler((event) => handleKey(event, terminal, onLeave));
    terminal.onData((text) => onInput(encoder.encode(text)));
    terminal.onBinary((text) => onInput(Uint8Array.from(text, (character) => character.charCodeAt(0))));
    terminal.onResize(({ cols, rows }) => onResize({ columns: cols, rows }));
    const observer = new ResizeObserver(() => {
      if (target.offsetWidth > 0) fit.fit();
    });
    observer.observe(target);
    fit.fit();
    this.#terminal = terminal;
    this.#stops = [
      () => observer.disconnect(),
      watchDark((isDark) => {
        terminal.options.theme = terminalTheme(isDark);
      }),
    ];
  }

  get size(): Size {
    return { columns: this.#terminal.cols, rows: this.#terminal.rows };
  }

  /** What is selected; empty: nothing. */
  get selection(): string {
    return this.#terminal.getSelection();
  }

  /** Resolves when it has been taken in. */
  write(data: Uint8Array | string): Promise<void> {
    return new Promise((resolve) => this.#terminal.write(data, resolve));
  }

  /** As if it were typed, and marked as pasted where the shell wants that. */
  paste(text: string): void {
    this.#terminal.paste(text);
  }

  setScreenReader(isOn: boolean): void {
    this.#terminal.options.screenReaderMode = isOn;
  }

  focus(): void {
    this.#terminal.focus();
  }

  close(): void {
    for (const stop of this.#stops) stop();
    this.#terminal.dispose();
  }
}

/** @returns whether the key is for the shell. */
function handleKey(event: KeyboardEvent, terminal: XTerm, onLeave: () => void): boolean {
  if (event.ctrlKey && event.altKey && event.shiftKey) {
    terminal.blur();
    onLeave();
    return false;
  }
  // As terminals of desktops have it: Ctrl-C is for the shell, and the browser pastes by itself at Ctrl-Shift-V.
  if (event.type === "keydown" && event.ctrlKey && event.shiftKey && event.code === "KeyC") {
    event.preventDefault();
    void navigator.clipboard.writeText(terminal.getSelection());
    return false;
  }
  return !(event.ctrlKey && event.shiftKey && event.code === "KeyV");
}
