/**
 * Looks at what a guest sends first on a connection to a name: if that names another one (TLS, plain HTTP), it must be
 * one that the policy allows too, since one server may be many (domain fronting). Later requests on the connection, and
 * names that are encrypted, are not seen.
 */
import { httpHosts } from "./http-host.ts";
import { mayBeTls, tlsServerNames } from "./tls-server-name.ts";

export type Verdict =
  /** More bytes are needed. */
  | { readonly kind: "hold" }
  | { readonly kind: "pass"; readonly bytes: Buffer }
  | { readonly kind: "refuse"; readonly reason: string };

const MAX_HELD_BYTES = 16 * 1_024;
/** Who sends a request byte by byte has no honest reason. */
const MAX_LOOKS = 256;
/** Each look costs as much as has come by then. In segments of 1,220 bytes or more the longest request comes to less. */
const MAX_LOOKED_AT_BYTES = 8 * MAX_HELD_BYTES;

export class FirstBytes {
  readonly #isAllowed: (name: string) => boolean;
  #held: Buffer = Buffer.alloc(0);
  #looks = 0;
  #lookedAtBytes = 0;

  /** @param isAllowed Of a name in lower case, without the last dot. */
  constructor(isAllowed: (name: string) => boolean) {
    this.#isAllowed = isAllowed;
  }

  /** After anything but `hold` there is nothing more to ask. */
  push(chunk: Buffer): Verdict {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#looks += 1;
    this.#lookedAtBytes += Math.min(this.#held.length, MAX_HELD_BYTES);
    const verdict = this.#look(false);
    if (verdict.kind !== "hold") return verdict;
    const tooMuch = this.#held.length >= MAX_HELD_BYTES || this.#lookedAtBytes >= MAX_LOOKED_AT_BYTES;
    return tooMuch || this.#looks >= MAX_LOOKS
      ? { kind: "refuse", reason: "no server name at the start of what it sent" }
      : verdict;
  }

  /** The guest has said all. */
  end(): Verdict {
    return this.#look(true);
  }

  #look(ended: boolean): Verdict {
    const bytes = this.#held.subarray(0, MAX_HELD_BYTES);
    const names = mayBeTls(bytes) ? tlsServerNames(bytes) : httpHosts(bytes, ended);
    if (names === undefined && !ended) return { kind: "hold" };
    const other = names?.map((name) => name.replace(/\.$/, "")).find((name) => !this.#isAllowed(name));
    if (other !== undefined) return { kind: "refuse", reason: `it asked for ${JSON.stringify(other)} there` };
    return { kind: "pass", bytes: this.#held };
  }
}
