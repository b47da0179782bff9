/**
 * The screen of a machine, by noVNC.
 *
 *   connecting ──▶ connected ──broken──▶ waiting ──▶ connecting …
 *       │              └──hidden──▶ paused ──seen──▶ connecting
 *       └──refused──▶ ended ──retry──▶ connecting
 *
 * Each attempt asks for an address anew: a ticket is good for one connection. *Owns* noVNC's elements in the target.
 */

import type RFB from "@novnc/novnc";
import { type ReadonlySignal, signal } from "@preact/signals";
import { ApiFailure, messageOf } from "../../core/api.ts";
import { isFinal, type Mode, type OpenSocket } from "../machine/access.ts";
import { waitBefore } from "../machine/back-off.ts";
import type { Key } from "./keysyms.ts";

export type DisplayState =
  | { readonly kind: "connecting" | "connected" | "paused" }
  | { readonly kind: "waiting"; readonly untilMs: number }
  | { readonly kind: "ended"; readonly status: number; readonly message: string };

interface DisplayOptions {
  readonly target: HTMLElement;
  readonly mode: Mode;
  readonly open: OpenSocket;
  readonly onClipboard: (text: string) => void;
}

/** As long as this a connection has to last for the next wait to be short again. */
const STEADY_MS = 10_000;

export class DisplayConnection {
  readonly #state = signal<DisplayState>({ kind: "connecting" });
  readonly #options: DisplayOptions;
  #rfb: RFB | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  /** Of the attempt: what an earlier one tells is of no interest. */
  #attempt = 0;

  constructor(options: DisplayOptions) {
    this.#options = options;
    void this.#connect();
  }

  get state(): ReadonlySignal<DisplayState> {
    return this.#state;
  }

  retry(): void {
    this.#leave();
    void this.#connect();
  }

  pause(): void {
    if (this.#state.peek().kind === "ended") return;
    this.#leave();
    this.#state.value = { kind: "paused" };
  }

  resume(): void {
    if (this.#state.peek().kind === "paused") this.retry();
  }

  /** Nothing is told afterwards. */
  close(): void {
    this.#leave();
  }

  focus(): void {
    this.#rfb?.focus({ preventScroll: true });
  }

  /** Lets go of the keyboard, and of all keys that are pressed. */
  blur(): void {
    const rfb = this.#rfb;
    if (rfb === undefined || this.#options.mode === "view") return;
    rfb.viewOnly = true;
    rfb.viewOnly = false;
    rfb.blur();
  }

  /** Text for the clipboard of the machine. */
  sendClipboard(text: string): void {
    this.#rfb?.clipboardPasteFrom(text);
  }

  press(keys: readonly Key[]): void {
    for (const { keysym, code } of keys) this.#rfb?.sendKey(keysym, code, true);
    for (const { keysym, code } of keys.toReversed()) this.#rfb?.sendKey(keysym, code, false);
  }

  type(keys: readonly Key[]): void {
    for (const { keysym, code } of keys) this.#rfb?.sendKey(keysym, code);
  }

  #leave(): void {
    this.#attempt++;
    clearTimeout(this.#timer);
    this.#rfb?.disconnect();
    this.#rfb = undefined;
  }

  async #connect(): Promise<void> {
    const attempt = this.#attempt;
    this.#state.value = { kind: "connecting" };
    try {
      const [{ default: Rfb }, url] = await Promise.all([import("@novnc/novnc"), this.#options.open()]);
      if (attempt === this.#attempt) this.#start(new Rfb(this.#options.target, url, { wsProtocols: ["binary"] }));
    } catch (error) {
      if (attempt === this.#attempt) this.#fail(error);
    }
  }

  #start(rfb: RFB): void {
    const attempt = this.#attempt;
    let connectedAt: number | undefined;
    this.#rfb = rfb;
    rfb.scaleViewport = true;
    rfb.viewOnly = this.#options.mode === "view";
    rfb.background = "transparent";
    rfb.addEventListener("connect", () => {
      connectedAt = performance.now();
      this.#state.value = { kind: "connected" };
    });
    rfb.addEventListener("clipboard", ({ detail }) => this.#options.onClipboard(detail.text));
    rfb.addEventListener("disconnect", () => {
      if (attempt !== this.#attempt) return;
      this.#rfb = undefined;
      if (connectedAt !== undefined && performance.now() - connectedAt > STEADY_MS) this.#failures = 0;
      this.#wait();
    });
  }

  #fail(error: unknown): void {
    if (error instanceof ApiFailure && !isFinal(error)) this.#wait();
    else {
      const status = error instanceof ApiFailure ? error.status : 0;
      this.#state.value = { kind: "ended", status, message: messageOf(error) };
    }
  }

  #wait(): void {
    this.#failures++;
    const waitMs = waitBefore(this.#failures, Math.random());
    this.#state.value = { kind: "waiting", untilMs: Date.now() + waitMs };
    this.#timer = setTimeout(() => this.retry(), waitMs);
  }
}
