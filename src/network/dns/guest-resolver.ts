/**
 * Answers the DNS messages of one machine, whatever carries them.
 *
 *   message → not a query, or too many: nothing
 *           → decideQuestion → answer
 *                            → upstream → decideAnswer → answer
 *
 * *Owns* its upstream. What a machine asks is bounded in rate, in size and in how much waits for upstream at one time.
 */
import { messageOf } from "../../base/errors.ts";
import { TokenBucket } from "../../base/token-bucket.ts";
import type { EgressEntry, EgressSink } from "../egress/egress-entry.ts";
import type { NetworkPolicy } from "../policy/network-policy.ts";
import { decideAnswer, decideQuestion, failure, type NameAnswer, type NameRules } from "./decide-name.ts";
import { type DnsQuery, type DnsQuestion, tryParseDnsQuery } from "./dns-query.ts";
import { encodeDnsReply, nameOfStatus, replyLimit } from "./dns-reply.ts";
import { nameOfType } from "./dns-type.ts";
import type { LocalRecords } from "./local-records.ts";
import type { Upstream } from "./upstream.ts";

export interface GuestResolverOptions extends Omit<NameRules, "policy"> {
  readonly records: LocalRecords;
  /** Is the resolver's from now on; one per machine, with a cache of its own if any. */
  readonly upstream: Upstream;
  /** Asked anew for every question. */
  readonly policy: () => NetworkPolicy;
  /** Told of every question that was understood, and of its answer. */
  readonly log: EgressSink;
  readonly nowMs?: () => number;
}

export interface GuestResolverStats {
  /** Refused by the policy. */
  readonly refused: number;
  /** Not answered at all: too many in too short a time. */
  readonly rateLimited: number;
  /** Failed because too many waited for upstream. */
  readonly overloaded: number;
}

const QUERIES_PER_SECOND = 200;
const QUERIES_AT_ONCE = 400;
const MAX_WAITING = 128;

export class GuestResolver implements Disposable {
  readonly #options: GuestResolverOptions;
  readonly #bucket: TokenBucket;
  readonly #stats = { refused: 0, rateLimited: 0, overloaded: 0 };
  #waiting = 0;
  #disposed = false;

  constructor(options: GuestResolverOptions) {
    this.#options = options;
    this.#bucket = new TokenBucket(QUERIES_PER_SECOND, QUERIES_AT_ONCE, options.nowMs);
  }

  get stats(): GuestResolverStats {
    return { ...this.#stats };
  }

  /** The reply to a message; undefined: it gets none. Never rejects. */
  async answer(message: Buffer, transport: "udp" | "tcp"): Promise<Buffer | undefined> {
    if (this.#disposed) return undefined;
    if (!this.#bucket.tryTake()) {
      this.#stats.rateLimited += 1;
      return undefined;
    }
    const query = tryParseDnsQuery(message);
    return query === undefined ? undefined : this.#replyTo(query, replyLimit(query, transport));
  }

  async #replyTo(query: DnsQuery, maxBytes: number): Promise<Buffer> {
    const began = new Date();
    let answer = await this.#answerTo(query);
    let reply: Buffer;
    try {
      reply = encodeDnsReply(query, answer.reply, maxBytes);
    } catch (error) {
      answer = failure(messageOf(error));
      reply = encodeDnsReply(query, answer.reply, maxBytes);
    }
    if (answer.decision === "refused") this.#stats.refused += 1;
    if (query.question !== undefined) this.#options.log.note(entryOf(query.question, answer), began);
    return reply;
  }

  async #answerTo(query: DnsQuery): Promise<NameAnswer> {
    const { records, upstream } = this.#options;
    const rules = { ...this.#options, policy: this.#options.policy() };
    const first = decideQuestion(query, records, rules);
    if (first.kind === "answer") return first;
    if (this.#waiting >= MAX_WAITING) {
      this.#stats.overloaded += 1;
      return failure("too many questions at one time");
    }
    this.#waiting += 1;
    try {
      return decideAnswer(first, await upstream.resolve(first.question.name, first.type), rules);
    } finally {
      this.#waiting -= 1;
    }
  }

  /** What waits for upstream fails. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#options.upstream[Symbol.dispose]();
  }
}

function entryOf(question: DnsQuestion, { decision, reason, reply }: NameAnswer): EgressEntry {
  const addresses = reply.records.flatMap((record) => (record.type === "A" ? [record.data] : []));
  const outcome = `${nameOfType(question.type)} ${nameOfStatus(reply.status)}`;
  return {
    kind: "dns",
    decision,
    name: question.name,
    addresses,
    reason: reason === undefined ? outcome : `${outcome}: ${reason}`,
  };
}
