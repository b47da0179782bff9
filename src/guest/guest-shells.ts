/** The shells of one guest. Whoever opens one owns it; all end with the guest. */
import type { ActionBoard } from "./action-board.ts";
import { throwIfRefused } from "./file-actions.ts";
import { GuestError } from "./guest-errors.ts";
import type { GuestShell, ShellOptions } from "./guest-shell.ts";
import { ServiceError } from "./service-error.ts";
import type { SocketShell } from "./shell-socket.ts";

export const MAX_SHELLS = 32;

export class GuestShells {
  readonly #board: ActionBoard;
  readonly #open = new Set<SocketShell>();
  #opening = 0;
  #closed: { reason: unknown } | undefined;

  constructor(board: ActionBoard) {
    this.#board = board;
  }

  /** How many there are, those that begin included. */
  get count(): number {
    return this.#open.size + this.#opening;
  }

  /** @throws {GuestError} `too-many-shells`, `not-supported-by-guest`, `guest-not-answering`; `signal.reason` */
  async open(options: ShellOptions): Promise<GuestShell> {
    if (this.count >= MAX_SHELLS) {
      throw new GuestError("too-many-shells", `this machine has ${MAX_SHELLS} shells already; close one`);
    }
    this.#opening += 1;
    try {
      return this.#add(await this.#ask(options));
    } finally {
      this.#opening -= 1;
    }
  }

  /** Ends all of them. */
  close(reason: unknown): void {
    this.#closed ??= { reason };
    for (const shell of this.#open) shell.close(reason);
  }

  #add(shell: SocketShell): GuestShell {
    this.#open.add(shell);
    shell.done.catch(() => {}).finally(() => this.#open.delete(shell));
    if (this.#closed !== undefined) shell.close(this.#closed.reason);
    return shell;
  }

  async #ask({ signal, timeoutMs, ...shell }: ShellOptions): Promise<SocketShell> {
    // Most tasks have no shell, and need no websockets.
    const { acceptShell } = await import("./shell-socket.ts");
    return this.#board.start<SocketShell>(
      describe(shell),
      async (request) => {
        throwIfRefused(request, "a shell");
        throw new ServiceError("InvalidPayload", "the answer to this action is a websocket");
      },
      { signal, timeoutMs, upgrade: (connection, resolve) => acceptShell(connection, resolve) },
    );
  }
}

/** What is left out the guest chooses; taskcluster-worker's tools need the first two. */
function describe({ command, tty, columns, rows, env, cwd, user }: ShellOptions) {
  const all = { command: command ?? [], tty: tty ?? false, cols: columns, rows, env, cwd, user };
  const known = Object.entries(all).filter(([, value]) => value !== undefined);
  return { type: "exec-shell", ...Object.fromEntries(known) };
}
