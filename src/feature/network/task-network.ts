/**
 * The network of one run as its task's log and folder have it.
 *
 *   opened ──attach()──▶ there is a machine, and every entry comes here ──close()──▶ the file is whole
 *
 * Another machine may take the place of one that could not be resumed. *Owns* the egress log; *borrows* the network.
 */
import { appendFile, rm, stat } from "node:fs/promises";
import { messageOf } from "../../base/errors.ts";
import type { NetworkPolicySettings } from "../../config/network/policy.ts";
import type { EgressEntry, LoggedEntry } from "../../network/egress/egress-entry.ts";
import { type EgressCounts, EgressLog } from "../../network/egress/egress-log.ts";
import type { EgressRecord } from "../../network/egress/egress-record.ts";
import type { GuestNetwork, NetworkStats } from "../../network/guest-network.ts";
import type { NetworkPolicy } from "../../network/policy/network-policy.ts";
import { formatPolicy } from "./describe-policy.ts";
import { conspicuous, EgressSummary } from "./egress-summary.ts";
import { RefusalHints } from "./refusal-hints.ts";
import { formatSummary, type NetworkReport, type NetworkReportSource, type NetworkSummary } from "./report.ts";

export interface TaskNetworkOptions {
  /** Absolute path of the file; what is there is replaced. */
  readonly file: string;
  readonly policy: NetworkPolicy;
  /** What this worker lets tasks ask for. */
  readonly bounds: NetworkPolicySettings;
  /** A line for the log of the task. */
  readonly note: (text: string) => void;
  /** Takes the secrets of the task out of a text. */
  readonly mask: (text: string) => string;
}

export class TaskNetwork implements EgressRecord, NetworkReportSource {
  readonly #options: TaskNetworkOptions;
  readonly #log: EgressLog;
  readonly #summary = new EgressSummary();
  readonly #hints: RefusalHints;
  #network: GuestNetwork | undefined;
  #stats: NetworkStats | undefined;
  #closing: Promise<void> | undefined;

  private constructor(options: TaskNetworkOptions) {
    this.#options = options;
    this.#log = new EgressLog({ path: options.file });
    this.#hints = new RefusalHints(options.policy, options.bounds);
  }

  static async open(options: TaskNetworkOptions): Promise<TaskNetwork> {
    await rm(options.file, { force: true });
    return new TaskNetwork(options);
  }

  /** From now on it is this one. */
  attach(network: GuestNetwork): void {
    this.#network = network;
    this.#stats = undefined;
  }

  note(entry: EgressEntry, began?: Date): void {
    this.#summary.add(entry);
    this.#log.note(this.#masked(entry), began);
    const hint = this.#hints.next(entry);
    if (hint !== undefined) this.#options.note(hint);
  }

  get counts(): EgressCounts {
    return this.#log.counts;
  }

  latest(): readonly LoggedEntry[] {
    return this.#log.latest();
  }

  /** What the network has counted is known for as long as it is there, and remembered then. */
  async look(): Promise<NetworkStats | undefined> {
    try {
      this.#stats = (await this.#network?.stats()) ?? this.#stats;
    } catch {
      // It has ended: the last look counts.
    }
    return this.#stats;
  }

  async report(): Promise<NetworkReport> {
    const summary = await this.#summarize();
    return { live: this.#closing === undefined, ...summary, entries: this.#log.latest() };
  }

  /** Says in the log of the task what there was, and completes the file; nothing more comes. */
  async finish(): Promise<void> {
    if (this.#closing !== undefined) return;
    await this.look();
    if (this.#network !== undefined && !this.#isQuiet) this.#options.note(this.#summary.describe(this.#stats?.dropped));
    await this[Symbol.asyncDispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Nothing was asked for, and nothing was sent that a guest has no business to send. */
  get #isQuiet(): boolean {
    return this.#summary.isEmpty && conspicuous(this.#stats?.dropped ?? {}).length === 0;
  }

  async #close(): Promise<void> {
    await this.#log[Symbol.asyncDispose]();
    const { file, note } = this.#options;
    const { failure } = this.#log;
    if (failure !== undefined) note(`warning: the log of the network is not whole: ${messageOf(failure)}`);
    const summary = await this.#summarize();
    const isThere = await stat(file).then(
      () => true,
      () => false,
    );
    if (!isThere || summary === undefined) return;
    await appendFile(file, formatSummary(summary, new Date())).catch((error: unknown) => {
      note(`warning: the log of the network is not whole: ${messageOf(error)}`);
    });
  }

  async #summarize(): Promise<NetworkSummary | undefined> {
    const stats = await this.look();
    if (this.#network === undefined) return undefined;
    const { counts } = this.#log;
    const policy = formatPolicy(this.#options.policy);
    return { mode: this.#network.mode, policy, counts, ...(stats === undefined ? {} : { stats }) };
  }

  #masked(entry: EgressEntry): EgressEntry {
    const { mask } = this.#options;
    const { name, reason } = entry;
    return {
      ...entry,
      ...(name === undefined ? {} : { name: mask(name) }),
      ...(reason === undefined ? {} : { reason: mask(reason) }),
    };
  }
}
