/**
 * One machine that stays, while somebody uses it by way of the API.
 *
 *   connected to its supervisor ──that hangs up──▶ looks whether the machine has ended, or the connection is lost
 *
 * *Borrows* the hypervisor; what it opens is the caller's.
 */
import type { Duplex } from "node:stream";
import { setTimeout as after } from "node:timers/promises";
import { createWebSocketStream } from "ws";
import { orTimeout } from "../../../base/abort.ts";
import { codeOf } from "../../../base/errors.ts";
import type { ShellOptions } from "../../../guest/guest-shell.ts";
import { VmError } from "../../../hypervisor/errors.ts";
import type { Hypervisor, LiveVm } from "../../../hypervisor/hypervisor.ts";
import { isLive } from "../../../hypervisor/states.ts";
import type { ShellPeer } from "../shell-session.ts";
import { shellPeer } from "./vm-shell.ts";

/** For a supervisor to answer. */
const CONNECT_MS = 10_000;
/** A machine that ends hangs up before its record says so. */
const LOOKS = 10;
const LOOK_MS = 150;

export interface VmUseOptions {
  readonly hypervisor: Pick<Hypervisor, "inspect" | "open">;
  readonly id: string;
  /** Displays of it that are open, by way of the API; counted here. */
  readonly open: { viewers: number };
}

export class VmUse {
  /** Resolves when it is known that the machine has ended; that is looked for when something of it hangs up. */
  readonly ended: Promise<void>;
  readonly #options: VmUseOptions;
  readonly #ended = Promise.withResolvers<void>();

  constructor(options: VmUseOptions) {
    this.#options = options;
    this.ended = this.#ended.promise;
  }

  get viewers(): number {
    return this.#options.open.viewers;
  }

  /** RFB. @throws {WorkerError} `vm-state`, `vm-busy`, `vm-lost` */
  async openDisplay(): Promise<Duplex> {
    const { open } = this.#options;
    const socket = await this.#connect((live, signal) => live.openDisplay(signal));
    const stream = this.#watched(createWebSocketStream(socket));
    open.viewers += 1;
    stream.once("close", () => {
      open.viewers -= 1;
    });
    socket.resume();
    return stream;
  }

  /** What came last on the serial console, and what comes. @throws as {@link openDisplay} does */
  async openConsole(): Promise<Duplex> {
    return this.#watched(await this.#connect((live, signal) => live.openConsole(signal)));
  }

  /** @throws as {@link openDisplay} does */
  async openShell({ tty, command, signal: gone }: ShellOptions): Promise<ShellPeer> {
    const asked = { ...(tty === undefined ? {} : { tty }), ...(command === undefined ? {} : { command }) };
    const socket = await this.#connect((live, signal) => live.openShell(asked, signal));
    gone?.addEventListener("abort", () => socket.terminate(), { once: true });
    return shellPeer(socket, () => this.#look());
  }

  async #connect<T>(open: (live: LiveVm, signal: AbortSignal) => Promise<T>): Promise<T> {
    const { hypervisor, id } = this.#options;
    const live = await hypervisor.open(id);
    // Fires only while the connection is made: later it would end it.
    const tooLate = new AbortController();
    const silent = new VmError("vm-lost", "the supervisor of the machine does not answer", { blame: "host" });
    return await orTimeout(open(live, tooLate.signal), CONNECT_MS, () => {
      tooLate.abort(silent);
      return silent;
    });
  }

  /** @returns the same, which closes when the other side has hung up. */
  #watched(stream: Duplex): Duplex {
    const hungUp = () => {
      stream.destroy();
      void this.#look();
    };
    stream.once("end", hungUp);
    stream.once("error", hungUp);
    return stream;
  }

  /** Resolves when it is known whether it has ended, or that is not to be known; never rejects. */
  async #look(): Promise<void> {
    for (let look = 0; look < LOOKS; look++) {
      if (await this.#hasEnded()) {
        this.#ended.resolve();
        return await this.ended;
      }
      await after(LOOK_MS, undefined, { ref: false });
    }
  }

  async #hasEnded(): Promise<boolean> {
    const { hypervisor, id } = this.#options;
    try {
      return !isLive((await hypervisor.inspect(id)).record.state);
    } catch (error) {
      return codeOf(error) === "vm-not-found";
    }
  }
}
