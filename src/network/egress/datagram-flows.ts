/**
 * Datagrams of a machine to the outside and back. A flow is one port of the guest and one destination; it has a socket
 * of its own, connected, so that nobody but the destination can answer.
 *
 *   first datagram ─▶ opening (a few more wait) ─▶ open ─ silence, budget, dispose ─▶ closed, in the log
 *
 * *Owns* the sockets. Datagrams may always get lost, so whatever goes wrong with one is nobody's business.
 */
import { createSocket, type Socket, type SocketOptions } from "node:dgram";

import { formatIpv4Address } from "../../base/ipv4.ts";
import type { DatagramFlow } from "../services.ts";
import { BUDGET_SPENT } from "./byte-budget.ts";
import type { EgressSink } from "./egress-entry.ts";
import { OutsideError, type Target } from "./outside.ts";
import { Passage } from "./passage.ts";
import type { SpliceFault } from "./splice.ts";

export interface DatagramFlowsOptions {
  readonly maxFlows: number;
  /** Without a datagram in either direction. */
  readonly idleMs: number;
  /** Vetted addresses of the passage's target, not empty. @throws {OutsideError} There are none. */
  readonly locate: (passage: Passage) => Promise<readonly number[]>;
  readonly trySpend: (bytes: number) => boolean;
  readonly log: EgressSink;
}

type Reply = (payload: Buffer) => void;

const MAX_WAITING = 16;
const MAX_SENDING = 128;

export class DatagramFlows implements Disposable {
  readonly #options: DatagramFlowsOptions;
  readonly #flows = new Map<string, OpenFlow>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: DatagramFlowsOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#flows.size;
  }

  send(flow: DatagramFlow, payload: Buffer, reply: Reply, target: () => Target): void {
    const key = `${flow.guestPort} ${flow.address} ${flow.port}`;
    const known = this.#flows.get(key);
    if (known !== undefined) {
      known.send(payload, reply);
      return;
    }
    const passage = new Passage("datagram", target());
    if (this.#flows.size >= this.#options.maxFlows) {
      this.#options.log.note(passage.refusal({ kind: "refused", message: "too many flows" }));
      return;
    }
    const opened = new OpenFlow(passage, this.#options, () => this.#flows.delete(key));
    this.#flows.set(key, opened);
    opened.send(payload, reply);
    this.#timer ??= setInterval(() => this.#sweep(), Math.max(1, this.#options.idleMs / 4)).unref();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    for (const flow of this.#flows.values()) flow.close();
  }

  #sweep(): void {
    const limitMs = performance.now() - this.#options.idleMs;
    for (const flow of this.#flows.values()) if (flow.activeAtMs < limitMs) flow.close();
    if (this.#flows.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

class OpenFlow {
  readonly #passage: Passage;
  readonly #options: DatagramFlowsOptions;
  readonly #onClosed: () => void;
  #socket: Socket | undefined;
  #waiting: Buffer[] = [];
  #sending = 0;
  #reply: Reply = () => {};
  #bytesIn = 0;
  #bytesOut = 0;
  #closed = false;
  activeAtMs = performance.now();

  constructor(passage: Passage, options: DatagramFlowsOptions, onClosed: () => void) {
    this.#passage = passage;
    this.#options = options;
    this.#onClosed = onClosed;
    this.#open().catch((error: unknown) => this.#fail(error));
  }

  send(payload: Buffer, reply: Reply): void {
    this.#reply = reply;
    this.activeAtMs = performance.now();
    if (this.#socket !== undefined) this.#transmit(this.#socket, payload);
    else if (this.#waiting.length < MAX_WAITING) this.#waiting.push(payload);
  }

  /** @param fault Why it is ended before it has been silent. */
  close(fault?: SpliceFault): void {
    if (!this.#end()) return;
    const result = { bytesIn: this.#bytesIn, bytesOut: this.#bytesOut, fault };
    this.#options.log.note(this.#passage.end(result), this.#passage.began);
  }

  async #open(): Promise<void> {
    const [address = 0] = await this.#options.locate(this.#passage);
    if (this.#closed) return;
    this.#passage.addresses = [address];
    const host = formatIpv4Address(address);
    const socket = createSocket({ type: "udp4", lookup: lookUpLiteral });
    this.#passage.ending.signal.addEventListener("abort", () => socket.close(), { once: true });
    const connected = Promise.withResolvers<void>();
    // Stays: a destination that refuses one datagram may accept the next.
    socket.on("error", connected.reject);
    socket.on("message", (payload) => this.#receive(payload));
    socket.connect(this.#passage.target.port, host, connected.resolve);
    await connected.promise;
    if (this.#closed) return;
    this.#socket = socket;
    for (const payload of this.#waiting.splice(0)) this.#transmit(socket, payload);
  }

  #transmit(socket: Socket, payload: Buffer): void {
    if (this.#sending >= MAX_SENDING || !this.#spend(payload)) return;
    this.#bytesOut += payload.length;
    this.#sending += 1;
    socket.send(payload, () => {
      this.#sending -= 1;
    });
  }

  #receive(payload: Buffer): void {
    if (this.#closed || !this.#spend(payload)) return;
    this.activeAtMs = performance.now();
    this.#bytesIn += payload.length;
    this.#reply(payload);
  }

  #spend(payload: Buffer): boolean {
    if (this.#options.trySpend(payload.length)) return true;
    this.close({ kind: "refused", reason: BUDGET_SPENT });
    return false;
  }

  #fail(error: unknown): void {
    if (!this.#end()) return;
    const fault = error instanceof OutsideError ? error : new OutsideError("failed", "no socket for it");
    this.#options.log.note(this.#passage.refusal(fault), this.#passage.began);
  }

  /** Once. */
  #end(): boolean {
    if (this.#closed) return false;
    this.#closed = true;
    this.#waiting = [];
    this.#passage.ending.abort();
    this.#onClosed();
    return true;
  }
}

/** Only addresses get here, a socket's own and the destination's. At once, a socket that cannot be bound never closes. */
const lookUpLiteral: SocketOptions["lookup"] = (literal, _options, callback) =>
  process.nextTick(callback, null, literal, 4);
