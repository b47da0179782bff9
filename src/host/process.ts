/**
 * A long-lived program with sockets of its own: QEMU, and what it talks to.
 *
 * The program inherits one end of an anonymous socketpair per socket, as file
 * descriptors 3, 4, …; nobody else can connect to them. It dies with this
 * process. *Owns* the program until it has exited.
 */
import type { Duplex } from "node:stream";
import { execa } from "execa";
import { supervised } from "./command.ts";

export interface ProcessExit {
  /** Undefined where a signal ended it or it never started. */
  exitCode: number | undefined;
  signal: string | undefined;
  /** The last lines it wrote to stderr, or why it did not start. */
  stderrTail: string;
}

/** File descriptor of the first socket in the program. */
export const FIRST_SOCKET_FD = 3;

const STDERR_TAIL_CHARACTERS = 4_000;

export interface ProcessOptions {
  sockets?: number;
  /** Becomes the program's, after its own sockets, and is closed here. */
  inherited?: readonly Duplex[];
  /** Added to the inherited environment. */
  env?: Readonly<Record<string, string>>;
  /**
   * Gets what the program sends over a channel of Node, as `process.send` would; the channel is the file descriptor
   * that NODE_CHANNEL_FD names, after all others. Without a listener there is none.
   */
  onMessage?: ((message: unknown, handle: unknown) => void) | undefined;
}

export class HostProcess {
  readonly pid: number | undefined;
  /** Our ends of the socketpairs, in order. */
  readonly sockets: readonly Duplex[];
  /** Never rejects. */
  readonly exited: Promise<ProcessExit>;
  readonly #kill: (signal: "SIGTERM" | "SIGKILL") => void;

  private constructor(
    pid: number | undefined,
    sockets: readonly Duplex[],
    exited: Promise<ProcessExit>,
    kill: (signal: "SIGTERM" | "SIGKILL") => void,
  ) {
    this.pid = pid;
    this.sockets = sockets;
    this.exited = exited;
    this.#kill = kill;
  }

  static start(
    command: readonly string[],
    { sockets: count = 0, inherited = [], env, onMessage }: ProcessOptions = {},
  ): HostProcess {
    const [file, ...args] = supervised(command);
    const child = execa(file, args, {
      buffer: false,
      reject: false,
      // The parent decides when a machine ends; a terminal's Ctrl-C must not reach it first.
      detached: true,
      cleanup: true,
      stdio: ["ignore", "ignore", "pipe", ...Array<"pipe">(count).fill("pipe"), ...inherited],
      ...(env === undefined ? {} : { env: { ...env } }),
      ...(onMessage === undefined ? {} : { ipc: true, serialization: "json" }),
    });
    if (onMessage !== undefined) child.nodeChildProcess.on("message", onMessage);
    for (const socket of inherited) socket.destroy();
    let stderrTail = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      stderrTail = (stderrTail + text).slice(-STDERR_TAIL_CHARACTERS);
    });
    const sockets = child.stdio
      .slice(FIRST_SOCKET_FD, FIRST_SOCKET_FD + count)
      .filter((stream) => stream !== null) as Duplex[];
    // Whoever uses a socket hears of its end; unused ones must not bring down the process.
    for (const socket of sockets) socket.on("error", () => {});
    const exited = child.then(({ exitCode, signal, failed, originalMessage }) => ({
      exitCode,
      signal,
      stderrTail: (stderrTail === "" && failed ? (originalMessage ?? "") : stderrTail).trim(),
    }));
    return new HostProcess(child.pid, sockets, exited, (signal) => void child.kill(signal));
  }

  /** Asks the program to end. */
  terminate(): void {
    this.#kill("SIGTERM");
  }

  /** Ends the program at once; `exited` tells when it is gone. */
  kill(): void {
    this.#kill("SIGKILL");
  }
}
