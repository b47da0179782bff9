/**
 * The one way outside for a machine, whatever carries its packets. A carrier says where the guest wants to; here it is
 * judged, a name is looked up, every address is vetted, and the connection is made from the worker's own sockets, to an
 * address, never to a name: so no answer of a name server leads to anything but the public.
 *
 *   target ─▶ judged ─▶ looked up ─▶ vetted ─▶ dialed ─▶ spliced ─▶ in the log
 *                 └────────────┴─────────┴────────┴─▶ reset, in the log
 *
 * *Owns* the connections it was given, those it makes, and the sockets for datagrams. *Borrows* the log and the lookup.
 */
import type { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { orAborted } from "../../base/abort.ts";
import type { NetworkLimits } from "../limits.ts";
import type { AddressVetting } from "../policy/address-vetting.ts";
import type { NetworkPolicy } from "../policy/network-policy.ts";
import { allowsName } from "../policy/policy-match.ts";
import { RateBudget } from "../rate-budget.ts";
import type { DatagramFlow, Destination, Flow } from "../services.ts";
import { BUDGET_SPENT, ByteBudget } from "./byte-budget.ts";
import { DatagramFlows } from "./datagram-flows.ts";
import { type Dialed, dial } from "./dial.ts";
import type { EgressSink } from "./egress-entry.ts";
import { FirstBytes } from "./first-bytes.ts";
import { targetFault, targetOf } from "./judge.ts";
import { linkedPair } from "./linked-pair.ts";
import { type NameLookup, type Outside, OutsideError, type Target } from "./outside.ts";
import { Passage } from "./passage.ts";
import { reset } from "./reset.ts";
import { type SpliceResult, splice } from "./splice.ts";
import { VirtualAddresses } from "./virtual-addresses.ts";

export interface EgressOptions {
  readonly limits: NetworkLimits;
  /** Asked anew for every connection. */
  readonly policy: () => NetworkPolicy;
  readonly lookup: NameLookup;
  readonly vetting: AddressVetting;
  readonly log: EgressSink;
  /** Of a flow of datagrams; default 60 s. */
  readonly datagramIdleMs?: number;
}

export class Egress implements Outside, AsyncDisposable {
  readonly virtual = new VirtualAddresses();
  readonly #options: EgressOptions;
  readonly #budget: ByteBudget;
  readonly #flows: DatagramFlows;
  /** Carriers limit how often the guest opens connections; nobody else limits what its services open for it. */
  readonly #turns: RateBudget;
  readonly #passages = new Set<Passage>();
  readonly #ends = new Set<Promise<void>>();
  #disposed = false;

  constructor(options: EgressOptions) {
    this.#options = options;
    this.#budget = new ByteBudget(options.limits.outsideBytes);
    this.#turns = new RateBudget(options.limits.connectionsPerSecond);
    this.#flows = new DatagramFlows({
      maxFlows: options.limits.datagramFlows,
      idleMs: options.datagramIdleMs ?? 60_000,
      locate: (passage) => this.#locate(passage),
      trySpend: (bytes) => this.#budget.trySpend(bytes),
      log: options.log,
    });
  }

  get connectionCount(): number {
    return this.#passages.size;
  }

  get datagramFlowCount(): number {
    return this.#flows.count;
  }

  /** To and from the outside, of everything there was. */
  get bytes(): number {
    return this.#budget.spentBytes;
  }

  /** Whether a flow may be tried now; a refusal is in the log. */
  admits(flow: Flow): boolean {
    const target = targetOf(flow, this.virtual);
    const reason = this.#fault(target) ?? (flow.protocol === "tcp" ? this.#crowd() : undefined);
    if (reason === undefined) return true;
    this.#refuse(new Passage(flow.protocol === "tcp" ? "connect" : "datagram", target), reason);
    return false;
  }

  /** A flow that somebody else has refused by the policy, so many times. */
  noteRefused(flow: Flow, count: number, first: Date): void {
    const passage = new Passage(flow.protocol === "tcp" ? "connect" : "datagram", targetOf(flow, this.virtual));
    const reason = this.#fault(passage.target) ?? "policy";
    this.#options.log.note({ ...passage.refusal({ kind: "refused", message: reason }), count }, first);
  }

  /** Takes ownership of the guest's connection; it is reset if nobody is reached. */
  connect(connection: Duplex, destination: Destination): void {
    const passage = new Passage("connect", targetOf(destination, this.virtual));
    const giveUp = () => passage.ending.abort();
    connection.on("error", giveUp);
    connection.once("close", giveUp);
    const join = (dialed: Dialed) => {
      connection.off("close", giveUp).off("error", giveUp);
      this.#join(passage, connection, dialed);
    };
    this.#keepUntilEnd(this.#reach(passage).then(join, () => reset(connection)));
  }

  async open(target: Target, signal?: AbortSignal): Promise<Duplex> {
    const passage = new Passage("proxy", "name" in target ? target : targetOf(target, this.virtual));
    const giveUp = () => passage.ending.abort();
    signal?.addEventListener("abort", giveUp, { once: true });
    if (signal?.aborted) giveUp();
    try {
      const dialed = await this.#reach(passage, () => this.#turn(passage.ending.signal));
      const [near, far] = linkedPair();
      this.#join(passage, far, dialed);
      return near;
    } finally {
      signal?.removeEventListener("abort", giveUp);
    }
  }

  /** As {@link NetworkServices.sendDatagram}. */
  sendDatagram(flow: DatagramFlow, payload: Buffer, reply: (payload: Buffer) => void): void {
    if (!this.#disposed) this.#flows.send(flow, payload, reply, () => targetOf(flow, this.virtual));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    this.#flows[Symbol.dispose]();
    for (const { ending } of this.#passages) ending.abort();
    while (this.#ends.size > 0) await Promise.all(this.#ends);
  }

  #fault(target: Target): string | undefined {
    const { policy, vetting } = this.#options;
    if (this.#disposed) return "the network has ended";
    return targetFault(policy(), target, vetting) ?? (this.#budget.exhausted ? BUDGET_SPENT : undefined);
  }

  #crowd(): string | undefined {
    return this.#passages.size >= this.#options.limits.outsideConnections ? "too many connections" : undefined;
  }

  #refuse(passage: Passage, reason: string): void {
    this.#options.log.note(passage.refusal({ kind: "refused", message: reason }), passage.began);
  }

  /** A failure is in the log. The passage counts as a connection from here to its end. */
  async #reach(passage: Passage, turn?: () => Promise<void>): Promise<Dialed> {
    const crowd = this.#crowd();
    if (crowd !== undefined) {
      this.#refuse(passage, crowd);
      throw new OutsideError("refused", crowd);
    }
    this.#passages.add(passage);
    try {
      if (turn !== undefined) await turn();
      const addresses = await this.#locate(passage);
      const dialed = await dial(addresses, passage.target.port, { signal: passage.ending.signal });
      passage.addresses = [dialed.address];
      return dialed;
    } catch (error) {
      this.#passages.delete(passage);
      const fault =
        error instanceof OutsideError ? error : new OutsideError("failed", "its name could not be looked up");
      this.#options.log.note(passage.refusal(fault), passage.began);
      throw fault;
    }
  }

  /** @throws {OutsideError} The signal was aborted. */
  async #turn(signal: AbortSignal): Promise<void> {
    const { waitMs } = this.#turns;
    this.#turns.spend(1);
    if (waitMs > 0) await delay(waitMs, undefined, { signal }).catch(() => {});
    if (signal.aborted) throw new OutsideError("failed", "it is not wanted any more");
  }

  /** The addresses that may be tried; not empty. @throws {OutsideError} There are none. */
  async #locate(passage: Passage): Promise<readonly number[]> {
    const { target, ending } = passage;
    const reason = this.#fault(target);
    if (reason !== undefined) throw new OutsideError("refused", reason);
    if (!("name" in target)) return [target.address];
    const found = await orAborted(this.#options.lookup.lookup(target.name), ending.signal);
    passage.addresses = found;
    if (found.length === 0) throw new OutsideError("failed", "its name has no address");
    const faults = found.map((address) => this.#options.vetting.fault(address));
    const vetted = found.filter((_address, index) => faults[index] === undefined);
    if (vetted.length === 0) throw new OutsideError("refused", `its address is ${faults[0]}`);
    return vetted;
  }

  #join(passage: Passage, guest: Duplex, { socket }: Dialed): void {
    const end = splice(guest, socket, {
      idleMs: this.#options.limits.idleMs,
      trySpend: (bytes) => this.#budget.trySpend(bytes),
      firstBytes: this.#firstBytes(passage.target),
      signal: passage.ending.signal,
    });
    const note = (result: SpliceResult) => {
      this.#passages.delete(passage);
      this.#options.log.note(passage.end(result), passage.began);
    };
    this.#keepUntilEnd(end.then(note));
  }

  /** Disposal waits for it. */
  #keepUntilEnd(work: Promise<void>): void {
    const end = work.finally(() => this.#ends.delete(end));
    this.#ends.add(end);
  }

  /** Who may go anywhere need not be asked where he goes. */
  #firstBytes(target: Target): FirstBytes | undefined {
    const policy = this.#options.policy();
    if (!("name" in target) || policy.kind !== "allow") return undefined;
    return new FirstBytes((name) => name === target.name || allowsName(policy, name, target.port));
  }
}
