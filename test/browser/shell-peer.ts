/** The other side of a shell, as a guest is: bash on a terminal of this host, by the protocol and its windows. */
import { execa } from "execa";
import type { WebSocket } from "ws";
import { ShellFlow } from "../../src/guest/shell-flow.ts";
import {
  encodeShellMessage,
  parseShellInput,
  SHELL_BLOCK_BYTES,
  type ShellOutput,
} from "../../src/guest/shell-protocol.ts";

export interface ShellPeer {
  /** Of the terminal, in the order they came. */
  readonly sizes: { columns: number; rows: number }[];
  /** Most bytes that were sent and not acknowledged. */
  mostOpenBytes: number;
  /** All that came for stdin. */
  typedBytes: number;
}

export function serveShell(client: WebSocket, peer: ShellPeer): void {
  const flow = new ShellFlow();
  // script gives the shell a terminal.
  const shell = execa("script", ["-qec", "exec bash --norc --noprofile --noediting -i", "/dev/null"], {
    ...{ buffer: false, encoding: "buffer", reject: false, stderr: "ignore" },
    env: { TERM: "xterm" },
  });
  let openBytes = 0;
  const say = (message: ShellOutput) => {
    flow.output(message);
    client.send(encodeShellMessage(message));
  };
  let waiting = Buffer.alloc(0);
  const flush = () => {
    while (waiting.length > 0) {
      const room = Math.min(SHELL_BLOCK_BYTES, 4 * SHELL_BLOCK_BYTES - openBytes);
      if (room === 0) break;
      const bytes = waiting.subarray(0, room);
      waiting = waiting.subarray(bytes.length);
      openBytes += bytes.length;
      peer.mostOpenBytes = Math.max(peer.mostOpenBytes, openBytes);
      say({ type: "data", stream: "stdout", bytes });
    }
  };
  shell.stdout.on("data", (bytes: Buffer) => {
    waiting = Buffer.concat([waiting, bytes]);
    flush();
  });
  client.on("message", (data: Buffer) => {
    const message = parseShellInput(data);
    flow.input(message);
    if (message.type === "size") peer.sizes.push({ columns: message.columns, rows: message.rows });
    else if (message.type === "abort") shell.kill();
    else if (message.type === "ack") {
      openBytes -= message.count;
      flush();
    } else {
      const { bytes } = message;
      peer.typedBytes += bytes.length;
      shell.stdin.write(bytes, () => say({ type: "ack", stream: "stdin", count: bytes.length }));
    }
  });
  client.on("close", () => shell.kill());
  shell.then(({ exitCode }) => {
    if (client.readyState !== client.OPEN) return;
    say({ type: "exit", success: exitCode === 0 });
    client.close();
  });
}
