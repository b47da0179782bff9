/** Secrets that were good a while ago, as hashes; those that were used least recently are forgotten. */
import { hashOf } from "./secrets.ts";

const MAX_KNOWN = 10_000;

export class RecentSecrets {
  /** The one that was used last at the end. */
  readonly #hashes = new Set<string>();

  has(secret: string): boolean {
    return this.#hashes.has(hashOf(secret));
  }

  add(secret: string): void {
    const hash = hashOf(secret);
    this.#hashes.delete(hash);
    this.#hashes.add(hash);
    const [oldest] = this.#hashes;
    if (this.#hashes.size > MAX_KNOWN && oldest !== undefined) this.#hashes.delete(oldest);
  }

  delete(secret: string): void {
    this.#hashes.delete(hashOf(secret));
  }
}
