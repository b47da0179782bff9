/**
 * Connections that stay open behind one login: logs that are followed, events, displays, shells, whichever worker answers
 * them. A login that ends, by revocation, by logout or by time, ends them too, a little later.
 *
 * *Owns* a timer while there are connections, which it *borrows*, and may destroy.
 */
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
  readonly #open = new Map<Duplex, Credential>();
  /** Whose end is heard of already. */
  readonly #heard = new WeakSet<Duplex>();
  #timer: NodeJS.Timeout | undefined;

  /** @param isGood Whether it still lets somebody in; what it throws means that nobody knows. */
  constructor(isGood: (credential: Credential) => Promise<boolean>, lookEveryMs = LOOK_MS) {
    this.#isGood = isGood;
    this.#lookEveryMs = lookEveryMs;
  }

  /** The latest request of the connection came with this. */
  note(socket: Duplex, credential: Credential): void {
    if (socket.destroyed) return;
    if (!this.#heard.has(socket)) socket.once("close", () => this.#open.delete(socket));
    this.#heard.add(socket);
    this.#open.set(socket, credential);
    this.#timer ??= setInterval(() => void this.look(), this.#lookEveryMs).unref();
  }

  /** The latest request of the connection came with nothing. */
  forget(socket: Duplex): void {
    this.#open.delete(socket);
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
    const looks = [...this.#open].map(async ([socket, credential]) => {
      // Meanwhile another login may have taken the connection over.
      if (!(await goodness(credential)) && this.#open.get(socket) === credential) socket.destroy();
    });
    await Promise.all(looks);
    if (this.#open.size === 0) this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
