/**
 * Session tokens as EC2 has them (IMDSv2). A token says itself until when it is good, signed: a guest that asks for any
 * number of them costs nothing.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

const KEY_BYTES = 32;
const TIME_BYTES = 8;
const SIGNATURE_BYTES = 32;
const TTL = /^[0-9]{1,5}$/;
/** Six hours. */
const MAX_TTL_S = 21_600;

export class SessionTokens {
  readonly #key = randomBytes(KEY_BYTES);
  readonly #now: () => number;

  /** @param now Milliseconds; for tests. */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** @param ttl Seconds, as it stands in the header. Undefined is answered if that is no time a token may have. */
  issue(ttl: string | undefined): string | undefined {
    const seconds = TTL.test(ttl ?? "") ? Number(ttl) : 0;
    if (seconds < 1 || seconds > MAX_TTL_S) return undefined;
    const until = Buffer.alloc(TIME_BYTES);
    until.writeBigUInt64BE(BigInt(this.#now() + seconds * 1_000));
    return Buffer.concat([until, this.#sign(until)]).toString("base64url");
  }

  isGood(token: string): boolean {
    const bytes = Buffer.from(token, "base64url");
    if (bytes.length !== TIME_BYTES + SIGNATURE_BYTES) return false;
    const until = bytes.subarray(0, TIME_BYTES);
    if (!timingSafeEqual(bytes.subarray(TIME_BYTES), this.#sign(until))) return false;
    return until.readBigUInt64BE() > BigInt(this.#now());
  }

  #sign(until: Buffer): Buffer {
    return createHmac("sha256", this.#key).update(until).digest();
  }
}
