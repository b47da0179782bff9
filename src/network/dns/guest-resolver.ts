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
import { decideAnswer, decideQuestion, failure, type NameAnswer, type NameRules } from "./decide-name.ts";
import { type DnsQuery, tryParseDnsQuery } from "./dns-query.ts";
import { type DnsStatusName, encodeDnsReply, nameOfStatus, replyLimit } from "./dns-reply.ts";
import { nameOfType } from "./dns-type.ts";
import type { LocalRecords } from "./local-records.ts";
import type { Upstream } from "./upstream.ts";

/** A question and what became of it. */
export interface DnsLogEntry {
  readonly name: string;
  /** Such as `A`, `SRV`, `TYPE65`. */
  readonly type: string;
  readonly status: DnsStatusName;
  /** That the guest was told; under the policy `allow`, the virtual one. */
  readonly addresses: readonly string[];
  /** `failed`: nobody said no, but there is no answer. */
  readonly decision: NameAnswer["decision"];
  readonly reason: string | undefined;
}

export interface GuestResolverOptions {
  readonly records: LocalRecords;
  /** Is the resolver's from now on; one per machine, with a cache of its own if any. */
  readonly upstream: Upstream;
  /** Asked anew for every question. */
  readonly rules: NameRules;
  /** Must not throw. */
  readonly log: (entry: DnsLogEntry) => void;
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
    try {
      const answer = await this.#answerTo(query);
      const reply = encodeDnsReply(query, answer.reply, maxBytes);
      this.#note(query, answer);
      return reply;
    } catch (error) {
      const answer = failure(messageOf(error));
      this.#note(query, answer);
      return encodeDnsReply(query, answer.reply, maxBytes);
    }
  }

  #note({ question }: DnsQuery, { decision, reason, reply }: NameAnswer): void {
    if (decision === "refused") this.#stats.refused += 1;
    if (question === undefined) return;
    const addresses = reply.records.flatMap((record) => (record.type === "A" ? [record.data] : []));
    const type = nameOfType(question.type);
    this.#options.log({ name: question.name, type, status: nameOfStatus(reply.status), addresses, decision, reason });
  }

  async #answerTo(query: DnsQuery): Promise<NameAnswer> {
    const { records, upstream, rules } = this.#options;
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
