/**
 * The line between the host and an agent that waits to be told who it is, or what has become of its machine.
 *
 *   booting ──"parked"──▶ parked ──wake()──▶ awake ──move()──┐
 *                          ▲  └──rehearse()──┐    ▲          │
 *                          └─────"parked"────┘    └──────────┘
 *
 * While it is parked a machine may be frozen and copied; what it is told then is what makes each copy a machine of
 * its own. *Borrows* the stream. The guest is hostile: a few bytes are read of it, and nothing after that.
 */
import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import type { GuestMove } from "./guest-move.ts";

/** What a machine is told when it begins to be one of its own. */
export interface GuestIdentity {
  /** A label of RFC 1123: lower-case letters, digits and "-", at most 63. */
  hostname: string;
  /** 32 hexadecimal digits, as in machine-id(5). */
  machineId: string;
}

const PARKED = "parked\n";
const ENTROPY_BYTES = 256;
const MAX_HOSTNAME = 63;

export class WakeLine {
  readonly #stream: Duplex;
  #parked: Promise<void>;

  constructor(stream: Duplex) {
    this.#stream = stream;
    this.#parked = this.#listen();
  }

  /** The guest waits to be woken. Never rejects; a guest without an agent never parks. */
  get parked(): Promise<void> {
    return this.#parked;
  }

  /**
   * Tells a parked guest who it is and what time it is. Its machine must run: time goes by while it does not.
   *
   * @param identity What is left out stays as it is on the disk.
   * @param options.booted Its machine has just booted and made ids and keys of its own, which it keeps.
   */
  wake(identity: Partial<GuestIdentity>, { booted = false }: { booted?: boolean } = {}): void {
    this.#tell(booted ? { ...identity, booted } : identity);
  }

  /**
   * Tells a guest that it goes on somewhere else; whether it is parked or runs a command does not matter. Its machine
   * must run, and its requests reach the session of that move.
   *
   * @param identity What is left out stays as it was. With another machine id all that a copy must not share with others
   *   is made anew.
   */
  move({ life, fork, logOffset }: GuestMove, identity: Partial<GuestIdentity> = {}): void {
    this.#tell({ ...identity, moved: true, life, fork, logOffset });
  }

  /** Has a parked guest go through what a task needs, so that it is quicker then; resolves when it is parked again. */
  async rehearse(): Promise<void> {
    this.#parked = this.#listen();
    this.#tell({ ...createIdentity(""), rehearse: true });
    await this.#parked;
  }

  #tell(what: Partial<GuestIdentity & GuestMove> & { rehearse?: true; booted?: true; moved?: true }): void {
    const line = { time: Date.now() / 1_000, entropy: randomBytes(ENTROPY_BYTES).toString("hex"), ...what };
    this.#stream.write(`${JSON.stringify(line)}\n`);
  }

  /** Until the next "parked", or something else. */
  #listen(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    let received = "";
    const read = (chunk: Buffer) => {
      received += chunk.subarray(0, PARKED.length).toString("latin1");
      if (received === PARKED) resolve();
      if (received.length < PARKED.length) return;
      this.#stream.off("data", read);
      // Unread, what a task writes here fills a buffer and then waits.
      this.#stream.pause();
    };
    this.#stream.on("data", read).resume();
    return promise;
  }
}

/** An identity nobody had before, named after the task. */
export function createIdentity(taskId: string): GuestIdentity {
  const label = taskId.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  const hostname = `boxcar-${label}`.slice(0, MAX_HOSTNAME).replace(/-+$/, "");
  return { hostname, machineId: randomBytes(16).toString("hex") };
}
