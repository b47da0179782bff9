/** A shell in a guest, as whoever connects somebody to it sees it. */
import type { ActionOptions } from "./action-board.ts";

export interface ShellOptions extends ActionOptions {
  /** Program and arguments; default: the shell of the user. Other guest tools than Boxcar's run `sh`. */
  command?: readonly string[] | undefined;
  /** Run it at a terminal; then everything it prints is stdout. Default: no. */
  tty?: boolean | undefined;
  /** Of the terminal at first; default 80 × 24. */
  columns?: number | undefined;
  rows?: number | undefined;
  /** Added to the environment of the task. This and those below are heeded by Boxcar's agent only. */
  env?: Readonly<Record<string, string>> | undefined;
  /** Default: the working directory of the task. */
  cwd?: string | undefined;
  /** Default: the user of the task, then that of the image. */
  user?: string | undefined;
}

/**
 * The messages go through as they are, acknowledgements too: who reads `frames` has whoever shows them acknowledge
 * them, and passes that on with `send`. So no more than a window of each stream (64 KiB) is ever on its way, and a client
 * that does not read makes the shell wait. Both sides are checked; a guest that breaks the protocol ends its shell.
 *
 * Disposal kills the shell if it runs, and is what its owner owes it.
 */
export interface GuestShell extends AsyncDisposable {
  /**
   * What the guest says: data of stdout and stderr, acknowledgements of stdin, and the exit as the last. Valid messages
   * of shell-protocol.ts, to be iterated once; ends after the exit, or when the shell was disposed.
   *
   * Throws what `done` rejects with.
   */
  readonly frames: AsyncIterable<Buffer>;
  /**
   * Says something to the guest: data of stdin, acknowledgements of stdout and stderr, size, abort. Resolves when it is
   * on its way, and the next may be sent; what is sent after the end is dropped.
   *
   * @throws {ShellProtocolError} The client must not say this, or not so much; the shell goes on.
   */
  send(frame: Uint8Array): Promise<void>;
  /** Tells the terminal its size; 1 to 65,535. */
  resize(columns: number, rows: number): Promise<void>;
  /** Has the shell killed, with all it has started; the exit follows. */
  abort(): void;
  /**
   * The shell has ended, and what it printed is in `frames`. A shell that was disposed has failed.
   *
   * Rejects with a GuestError if the guest broke off, does not answer, or broke the protocol; or with why the machine
   * has ended. Nobody needs to listen.
   */
  readonly done: Promise<{ readonly success: boolean }>;
}
