/**
 * Keeps answers of an upstream for as long as they may be kept, asks once for what is wanted several times at once, and
 * does not ask more often than a machine may, whichever way its questions have come: as DNS, or with connections to names.
 *
 * One per machine: what a machine has asked for can neither be changed nor be noticed by another.
 * *Owns* the upstream.
 */
import { TokenBucket } from "../../base/token-bucket.ts";
import { encodeRecord } from "./dns-reply.ts";
import type { RecordType } from "./dns-type.ts";
import type { Upstream, UpstreamAnswer } from "./upstream.ts";

const MAX_ENTRIES = 256;
const MAX_ENTRY_BYTES = 4_096;
const MAX_TTL_SECONDS = 300;
const NEGATIVE_TTL_SECONDS = 10;
const QUESTIONS_PER_SECOND = 200;
const QUESTIONS_AT_ONCE = 400;

interface Entry {
  readonly answer: UpstreamAnswer;
  readonly storedMs: number;
  readonly ttlSeconds: number;
}

export class UpstreamCache implements Upstream {
  readonly #upstream: Upstream;
  readonly #nowMs: () => number;
  readonly #bucket: TokenBucket;
  /** The oldest first. */
  readonly #entries = new Map<string, Entry>();
  readonly #asking = new Map<string, Promise<UpstreamAnswer>>();

  constructor(upstream: Upstream, nowMs: () => number = () => performance.now()) {
    this.#upstream = upstream;
    this.#nowMs = nowMs;
    this.#bucket = new TokenBucket(QUESTIONS_PER_SECOND, QUESTIONS_AT_ONCE, nowMs);
  }

  async resolve(name: string, type: RecordType): Promise<UpstreamAnswer> {
    const key = `${type} ${name}`;
    const kept = this.#tryFind(key);
    if (kept !== undefined) return kept;
    const asked = this.#asking.get(key);
    if (asked !== undefined) return asked;
    if (!this.#bucket.tryTake()) return { kind: "failed", reason: "too many questions in too short a time" };
    const answer = this.#ask(key, name, type);
    this.#asking.set(key, answer);
    return answer;
  }

  async #ask(key: string, name: string, type: RecordType): Promise<UpstreamAnswer> {
    try {
      const answer = await this.#upstream.resolve(name, type);
      const ttlSeconds = ttlOf(answer);
      this.#keep(key, answer, ttlSeconds);
      return withTtl(answer, ttlSeconds);
    } finally {
      this.#asking.delete(key);
    }
  }

  #keep(key: string, answer: UpstreamAnswer, ttlSeconds: number): void {
    if (ttlSeconds === 0 || bytesOf(answer) > MAX_ENTRY_BYTES) return;
    const [oldest] = this.#entries.keys();
    if (this.#entries.size >= MAX_ENTRIES && oldest !== undefined) this.#entries.delete(oldest);
    this.#entries.set(key, { answer, storedMs: this.#nowMs(), ttlSeconds });
  }

  #tryFind(key: string): UpstreamAnswer | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    const left = entry.ttlSeconds - Math.floor((this.#nowMs() - entry.storedMs) / 1_000);
    if (left > 0) return withTtl(entry.answer, left);
    this.#entries.delete(key);
    return undefined;
  }

  [Symbol.dispose](): void {
    this.#entries.clear();
    this.#upstream[Symbol.dispose]();
  }
}

function ttlOf(answer: UpstreamAnswer): number {
  if (answer.kind === "failed") return 0;
  if (answer.kind !== "records") return NEGATIVE_TTL_SECONDS;
  return Math.min(MAX_TTL_SECONDS, ...answer.records.map(({ ttlSeconds }) => ttlSeconds));
}

function bytesOf(answer: UpstreamAnswer): number {
  if (answer.kind !== "records") return 0;
  return answer.records.reduce((sum, record) => sum + encodeRecord(record).length, 0);
}

/** The records of an answer age together (RFC 2181, 5.2). */
function withTtl(answer: UpstreamAnswer, ttlSeconds: number): UpstreamAnswer {
  if (answer.kind !== "records") return answer;
  return { kind: "records", records: answer.records.map((record) => ({ ...record, ttlSeconds })) };
}
