/** Streams of a machine that a supervisor gives away on its socket: shells, console, display, ports of the guest. */
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createWebSocketStream, type WebSocket } from "ws";
import { messageOf } from "../../base/errors.ts";
import type { GuestShell, ShellOptions } from "../../guest/guest-shell.ts";
import { SHELL_MESSAGE_BYTES } from "../../guest/shell-protocol.ts";
import type { SupervisedVm } from "../../hypervisor/supervisor/supervised-vm.ts";
import { ApiError } from "../api/api-error.ts";
import { closeSocket } from "../api/close-socket.ts";
import { flag, integer, text, texts } from "../api/parameters.ts";
import { defineSocketRoute, type SocketRoute, type SocketService } from "../api/socket-route.ts";
import { ShellSession } from "../machines/shell-session.ts";

const MAX_MESSAGE_BYTES = 1_048_576;
const COMMON = { permission: "operate" } as const;

export function supervisorSockets(vm: SupervisedVm): SocketRoute[] {
  return [shellRoute(vm), consoleRoute(vm), displayRoute(vm), portRoute(vm)];
}

function shellRoute(vm: SupervisedVm): SocketRoute {
  return defineSocketRoute({
    ...{ ...COMMON, path: "/v1/shell", operation: "openShellOfVm", summary: "A shell in the guest" },
    query: {
      tty: flag("Whether it gets a terminal."),
      command: texts("Program and arguments, one each time.", { maxItems: 1_000, maxLength: 131_072 }),
      env: texts("NAME=VALUE, one each time."),
      user: text("Who runs it."),
      cwd: text("Where.", { maxLength: 4_096 }),
      columns: integer("Of the terminal.", { minimum: 1, maximum: 65_535 }),
      rows: integer("Of the terminal.", { minimum: 1, maximum: 65_535 }),
    },
    maxMessageBytes: SHELL_MESSAGE_BYTES,
    async open({ query: { env, ...asked } }) {
      const variables = Object.fromEntries(
        env.map((each) => [each.split("=", 1)[0], each.slice(each.indexOf("=") + 1)]),
      );
      return (client) => void serveShell(client, vm, { ...asked, env: variables });
    },
  });
}

/** Never rejects. */
async function serveShell(client: WebSocket, vm: SupervisedVm, asked: ShellOptions): Promise<void> {
  const gone = new AbortController();
  client.once("close", () => gone.abort(new Error("the client is gone")));
  const session = new ShellSession(client);
  let shell: GuestShell | undefined;
  try {
    shell = await vm.guest.openShell({ ...asked, signal: gone.signal });
    await session.join(shell);
    closeSocket(client, 1_000, "the shell has ended");
  } catch (error) {
    closeSocket(client, 1_011, messageOf(error));
  } finally {
    await shell?.[Symbol.asyncDispose]();
  }
}

function consoleRoute(vm: SupervisedVm): SocketRoute {
  return streamRoute({
    ...{
      path: "/v1/console",
      operation: "openConsoleOfVm",
      summary: "The serial console: what came last, and what comes",
    },
    open: async () => {
      const { console } = vm.machine;
      if (console.isFull) throw new ApiError(429, "too-many-viewers", "too many look at this console already");
      return console.join();
    },
  });
}

function displayRoute(vm: SupervisedVm): SocketRoute {
  return streamRoute({
    ...{ path: "/v1/display", operation: "openDisplayOfVm", summary: "RFB, as QEMU speaks it" },
    open: () => vm.openDisplay(),
  });
}

function portRoute(vm: SupervisedVm): SocketRoute {
  return defineSocketRoute({
    ...{ ...COMMON, path: "/v1/port", operation: "connectToVm", summary: "A TCP connection to a port of the guest" },
    query: { port: integer("Of the guest.", { minimum: 1, maximum: 65_535 }) },
    maxMessageBytes: MAX_MESSAGE_BYTES,
    async open({ query: { port } }) {
      if (port === undefined) throw new ApiError(400, "bad-request", "port must be given");
      return serviceOf(await vm.connect(port));
    },
  });
}

function streamRoute(options: {
  path: string;
  operation: string;
  summary: string;
  open: () => Promise<Duplex>;
}): SocketRoute {
  const { path, operation, summary, open } = options;
  return defineSocketRoute({
    ...{ ...COMMON, path, operation, summary, query: {}, maxMessageBytes: MAX_MESSAGE_BYTES },
    open: async () => serviceOf(await open()),
  });
}

function serviceOf(stream: Duplex): SocketService {
  stream.on("error", () => {});
  return { serve: (client) => void joinStream(client, stream), drop: () => stream.destroy() };
}

/** Until either side has ended; never rejects. */
async function joinStream(client: WebSocket, stream: Duplex): Promise<void> {
  const socket = createWebSocketStream(client);
  socket.on("error", () => {});
  await Promise.allSettled([pipeline(socket, stream), pipeline(stream, socket)]);
  stream.destroy();
  socket.destroy();
}
