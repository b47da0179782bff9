/**
 * Connections that stay open behind one login: logs that are followed, events, displays, shells, whichever worker answers
 * them. A login that ends, by revocation, by logout or by time, ends them too, a little later.
 *
 * *Owns* a timer while there are connections, which it *borrows*, and may destroy.
 */
import type { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";

/** What somebody has shown: a token, or the value of a session. */
export interface Credential {
  readonly kind: "token" | "session";
  readonly secret: string;
}

const LOOK_MS = 30_000;

export class OpenConnections implements Disposable {
  readonly #isGood: (credential: Credential) => Promise<boolean>;
  readonly #lookEveryMs: number;
  /** One for each request that is answered; several may be on their way on one connection. */
  readonly #open = new Map<Duplex, Set<Credential>>();
  #timer: NodeJS.Timeout | undefined;

  /** @param isGood Whether it still lets somebody in; what it throws means that nobody knows. */
  constructor(isGood: (credential: Credential) => Promise<boolean>, lookEveryMs = LOOK_MS) {
    this.#isGood = isGood;
    this.#lookEveryMs = lookEveryMs;
  }

  /** How many requests are looked after. */
  get size(): number {
    return [...this.#open.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /**
   * A request of the connection came with this.
   *
   * @param answer Closes when the request is answered; if it is left out, the connection is the answer.
   */
  note(socket: Duplex, credential: Credential, answer?: Pick<EventEmitter, "once">): void {
    if (socket.destroyed) return;
    const known = this.#open.get(socket);
    const credentials = known ?? new Set();
    if (known === undefined) {
      this.#open.set(socket, credentials);
      socket.once("close", () => this.#open.delete(socket));
    }
    credentials.add(credential);
    answer?.once("close", () => credentials.delete(credential));
    this.#timer ??= setInterval(() => void this.look(), this.#lookEveryMs).unref();
  }

  /** Looks at each login once, however many connections it has; never throws. */
  async look(): Promise<void> {
    const answers = new Map<string, Promise<boolean>>();
    const goodness = (credential: Credential) => {
      const key = `${credential.kind} ${credential.secret}`;
      const answer = answers.get(key) ?? this.#isGood(credential).catch(() => true);
      answers.set(key, answer);
      return answer;
    };
    const looks = [...this.#open].flatMap(([socket, credentials]) =>
      [...credentials].map(async (credential) => {
        // Meanwhile it may have been answered.
        if (!(await goodness(credential)) && credentials.has(credential)) socket.destroy();
      }),
    );
    await Promise.all(looks);
    if (this.#open.size === 0) this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
