/**
 * Two connections made one: what comes from either goes to the other, as fast as that takes it, until both directions
 * have ended or something breaks, whereupon both are reset.
 *
 *   guest ──FirstBytes──▶ far      open ──┬─ both ended ─────────────────▶ closed
 *   guest ◀────────────── far             └─ reset, silence, budget ─────▶ both reset
 *
 * *Owns* both connections.
 */
import type { Duplex } from "node:stream";
import { BUDGET_SPENT } from "./byte-budget.ts";
import type { FirstBytes, Verdict } from "./first-bytes.ts";
import { reset } from "./reset.ts";

export interface SpliceOptions {
  /** Without a byte in either direction. */
  readonly idleMs: number;
  /** Whether so many bytes may pass. */
  readonly trySpend: (bytes: number) => boolean;
  /** Ends everything. */
  readonly signal: AbortSignal;
  /** What the guest sends first passes here. */
  readonly firstBytes?: FirstBytes | undefined;
}

export interface SpliceResult {
  /** To the guest. */
  readonly bytesIn: number;
  /** From the guest. */
  readonly bytesOut: number;
  /** Why it was broken off; undefined: both sides had said all. */
  readonly fault: SpliceFault | undefined;
}

export interface SpliceFault {
  readonly kind: "refused" | "failed";
  readonly reason: string;
}

/** Resolves when both connections are closed; never rejects. */
export function splice(guest: Duplex, far: Duplex, options: SpliceOptions): Promise<SpliceResult> {
  return new Splice(guest, far, options).done;
}

class Splice {
  readonly #guest: Duplex;
  readonly #far: Duplex;
  readonly #options: SpliceOptions;
  readonly #done = Promise.withResolvers<SpliceResult>();
  #firstBytes: FirstBytes | undefined;
  #bytesIn = 0;
  #bytesOut = 0;
  #open = 2;
  #fault: SpliceFault | undefined;
  #activeAtMs = performance.now();
  #timer: NodeJS.Timeout;

  constructor(guest: Duplex, far: Duplex, options: SpliceOptions) {
    this.#guest = guest;
    this.#far = far;
    this.#options = options;
    this.#firstBytes = options.firstBytes;
    this.#timer = this.#startTimer(options.idleMs);
    options.signal.addEventListener("abort", this.#abort, { once: true });
    this.#watch(guest, "the guest");
    this.#watch(far, "the server");
    this.#carry(guest, far, (chunk) => this.#outgoing(chunk));
    this.#carry(far, guest, (chunk) => this.#incoming(chunk));
    onEnd(guest, () => this.#guestEnded());
    onEnd(far, () => guest.end());
    if (options.signal.aborted) this.#abort();
  }

  readonly #abort = () => this.#break("failed", "the network has ended");

  get done(): Promise<SpliceResult> {
    return this.#done.promise;
  }

  #carry(from: Duplex, to: Duplex, pass: (chunk: Buffer) => boolean): void {
    from.on("data", (chunk: Buffer) => {
      this.#activeAtMs = performance.now();
      if (!this.#options.trySpend(chunk.length)) this.#break("refused", BUDGET_SPENT);
      else if (!pass(chunk)) from.pause();
    });
    to.on("drain", () => {
      this.#activeAtMs = performance.now();
      from.resume();
    });
  }

  /** False: not the next one yet. */
  #outgoing(chunk: Buffer): boolean {
    this.#bytesOut += chunk.length;
    return this.#firstBytes === undefined ? this.#far.write(chunk) : this.#obey(this.#firstBytes.push(chunk));
  }

  #incoming(chunk: Buffer): boolean {
    this.#bytesIn += chunk.length;
    return this.#guest.write(chunk);
  }

  #obey(verdict: Verdict): boolean {
    if (verdict.kind === "hold") return true;
    this.#firstBytes = undefined;
    if (verdict.kind === "pass") return verdict.bytes.length === 0 || this.#far.write(verdict.bytes);
    this.#break("refused", verdict.reason);
    return false;
  }

  #guestEnded(): void {
    if (this.#firstBytes !== undefined) this.#obey(this.#firstBytes.end());
    if (this.#fault === undefined) this.#far.end();
  }

  #watch(stream: Duplex, who: string): void {
    stream.on("error", () => {});
    const onClose = () => {
      if (!stream.readableEnded || !stream.writableFinished) this.#break("failed", `${who} broke it off`);
      this.#open -= 1;
      if (this.#open > 0) return;
      clearTimeout(this.#timer);
      this.#options.signal.removeEventListener("abort", this.#abort);
      this.#done.resolve({ bytesIn: this.#bytesIn, bytesOut: this.#bytesOut, fault: this.#fault });
    };
    if (!stream.closed) stream.once("close", onClose);
    else queueMicrotask(onClose);
  }

  #break(kind: SpliceFault["kind"], reason: string): void {
    if (this.#fault !== undefined) return;
    this.#fault = { kind, reason };
    reset(this.#guest);
    reset(this.#far);
  }

  /** One timer that looks again when it fires is cheaper than one restarted at every chunk. */
  #startTimer(delayMs: number): NodeJS.Timeout {
    return setTimeout(() => {
      const restMs = this.#activeAtMs + this.#options.idleMs - performance.now();
      if (restMs > 0) this.#timer = this.#startTimer(Math.ceil(restMs));
      else this.#break("failed", "nothing was sent for too long");
    }, delayMs).unref();
  }
}

/** A socket on which nothing has come but its end says so whether anybody listens or not. */
function onEnd(stream: Duplex, listener: () => void): void {
  if (stream.readableEnded) queueMicrotask(listener);
  else stream.once("end", listener);
}
