/**
 * A shell at this terminal: what is typed goes to the guest, what it prints comes here.
 *
 *     connected ──▶ the terminal is raw ──exit, connection over, "~."──▶ the terminal is as it was
 */
import type { Readable } from "node:stream";
import type { WebSocket } from "ws";
import { WorkerError } from "../../base/errors.ts";
import { encodeShellMessage, SHELL_MESSAGE_BYTES } from "../../guest/shell-protocol.ts";
import { letOutputThrough } from "../../host/terminal.ts";
import { type CliContext, EXIT } from "../context.ts";
import type { ServerAddress } from "../server/address.ts";
import { openSocket } from "../server/socket.ts";
import { EscapeReader } from "./escape.ts";
import { ShellClient } from "./shell-client.ts";

export interface ShellRequest {
  server: ServerAddress;
  task: string;
  run: number | "latest";
  /** Empty: the shell of the user. */
  command: readonly string[];
  tty: boolean;
}

/** Its exit code is that of the command line: 0 or 1. @throws {WorkerError} `shell-lost`, or what the worker answers. */
export async function runShell({ server, task, run, command, tty }: ShellRequest, context: CliContext): Promise<void> {
  const query = new URLSearchParams(tty ? { tty: "true" } : {});
  for (const word of command) query.append("command", word);
  const path = `/api/v1/tasks/${encodeURIComponent(task)}/runs/${run}/shell?${query}`;
  const socket = await openSocket({ server, path, signal: context.signal, maxMessageBytes: SHELL_MESSAGE_BYTES });
  await joinShell(socket, tty, context);
}

/**
 * Joins a shell with this terminal, until one of them ends; the exit code is 0 or 1 then.
 *
 * @throws {WorkerError} `shell-lost`
 */
export async function joinShell(socket: WebSocket, tty: boolean, context: CliContext): Promise<void> {
  const client = new ShellClient(socket, context);
  using _terminal = tty ? takeTerminal(socket, context) : undefined;
  if (tty) await letOutputThrough(context.signal);
  const escaped = tty ? new EscapeReader() : undefined;
  const input = typed(context.stdin, escaped, () => client.leave());
  const end = await client.run(input);
  context.stdin.destroy();
  if (end === "left") {
    context.stderr.write("\r\nboxcar: left the shell; it has been ended\r\n");
    context.setExitCode(EXIT.interrupted);
  } else if (end === "unread") context.setExitCode(EXIT.failed);
  else if (end === "lost") {
    context.signal.throwIfAborted();
    throw new WorkerError(`the connection to the shell is over: ${client.why}`, {
      code: "shell-lost",
      blame: "upstream",
    });
  } else context.setExitCode(end.success ? EXIT.ok : EXIT.failed);
}

async function* typed(
  stdin: Readable,
  escaped: EscapeReader | undefined,
  leave: () => void,
): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of stdin as AsyncIterable<Buffer>) {
    const { bytes, leaves } = escaped?.read(chunk) ?? { bytes: chunk, leaves: false };
    if (bytes.length > 0) yield bytes;
    if (leaves) return leave();
  }
}

/** Raw, and its size told to the guest; as it was on disposal. */
function takeTerminal(socket: WebSocket, { stdin, stdout }: CliContext): Disposable {
  const input = stdin as Readable & { setRawMode?: (raw: boolean) => unknown };
  const output = stdout as CliContext["stdout"] & { columns?: number; rows?: number };
  const tellSize = () => {
    const { columns = 80, rows = 24 } = output;
    if (socket.readyState === socket.OPEN) socket.send(encodeShellMessage({ type: "size", columns, rows }));
  };
  input.setRawMode?.(true);
  tellSize();
  output.on("resize", tellSize);
  return {
    [Symbol.dispose]() {
      output.off("resize", tellSize);
      input.setRawMode?.(false);
    },
  };
}
