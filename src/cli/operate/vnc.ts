/**
 * A display for VNC viewers on this host: each connection to a port of loopback becomes a websocket to the worker.
 *
 * Trust boundary. VNC knows no users, so the kernel is asked who has connected: others than this user are turned away.
 */
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import { setTimeout as after } from "node:timers/promises";
import { createWebSocketStream, type WebSocket } from "ws";
import { codeOf, messageOf, WorkerError } from "../../base/errors.ts";
import type { ApiRunReport } from "../../generated/api.ts";
import { runCommand } from "../../host/command.ts";
import { peerUid } from "../../host/peer-uid.ts";
import { isInstalled } from "../../host/program.ts";
import { type CliContext, print } from "../context.ts";
import type { ServerAddress } from "../server/address.ts";
import { ask } from "../server/server.ts";
import { openSocket } from "../server/socket.ts";

export interface WantedDisplay {
  server: ServerAddress;
  task: string;
  run: number | "latest";
  mode: "view" | "control";
  /** 0: one that is free. */
  port: number;
  /** Start a viewer, and end with it. */
  open: boolean;
}

interface Viewer {
  readonly name: string;
  /** Tells it where to look. */
  readonly argument: (port: number) => string;
  /** It only finds another program, and ends. */
  readonly hands?: true;
}

const VIEWERS: readonly Viewer[] = [
  { name: "xtigervncviewer", argument: (port) => `127.0.0.1::${port}` },
  { name: "vncviewer", argument: (port) => `127.0.0.1::${port}` },
  { name: "remote-viewer", argument: (port) => `vnc://127.0.0.1:${port}` },
  { name: "gvncviewer", argument: (port) => `127.0.0.1::${port}` },
  { name: "xdg-open", argument: (port) => `vnc://127.0.0.1:${port}`, hands: true },
];

/** Between two looks at whether the machine is still there. */
const LOOK_MS = 3_000;

/** Large enough for a whole screen in one message. */
const MAX_MESSAGE_BYTES = 64 * 1_024 ** 2;

/** A display, wherever its machine is. */
export interface DisplaySource {
  /** Each viewer gets a connection of its own. */
  connect(signal: AbortSignal): Promise<WebSocket>;
  /** Resolves when there is no machine any more, or the signal fires. */
  untilGone(signal: AbortSignal): Promise<void>;
}

/** Serves until the signal fires, the viewer it has started ends, or the machine is gone. */
export async function serveDisplay(wanted: WantedDisplay, context: CliContext): Promise<void> {
  const source = {
    connect: (signal: AbortSignal) => connect(wanted, signal),
    untilGone: (signal: AbortSignal) => untilGone(wanted, signal),
  };
  await serveDisplayOf(source, wanted, context);
}

/** As {@link serveDisplay} does. */
export async function serveDisplayOf(
  source: DisplaySource,
  wanted: Pick<WantedDisplay, "port" | "open">,
  context: CliContext,
): Promise<void> {
  const viewer = wanted.open ? await findViewer() : undefined;
  // What is wrong with the machine is said here, not by a viewer that shows nothing.
  (await source.connect(context.signal)).terminate();
  const over = new AbortController();
  const signal = AbortSignal.any([context.signal, over.signal]);
  const connections = new Set<Socket>();
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
    socket.on("error", () => {});
    serveViewer(socket, source, signal).catch((error: unknown) => {
      socket.destroy();
      if (!signal.aborted) context.stderr.write(`boxcar: ${messageOf(error)}\n`);
    });
  });
  const port = await listen(server, wanted.port);
  print(context, `vnc://127.0.0.1:${port}`);
  try {
    if (viewer !== undefined) await runCommand([viewer.name, viewer.argument(port)], { signal: context.signal });
    if (viewer === undefined || viewer.hands) {
      context.stderr.write("boxcar: Ctrl-C ends it\n");
      await source.untilGone(context.signal);
      if (!context.signal.aborted) context.stderr.write("boxcar: the machine is gone\n");
    }
  } catch (error) {
    context.signal.throwIfAborted();
    throw error;
  } finally {
    over.abort();
    server.close();
    for (const socket of connections) socket.destroy();
  }
}

async function listen(server: ReturnType<typeof createServer>, wantedPort: number): Promise<number> {
  server.listen({ host: "127.0.0.1", port: wantedPort });
  try {
    await once(server, "listening");
  } catch (cause) {
    const inUse = codeOf(cause) === "EADDRINUSE" ? "; without --port one that is free is taken" : "";
    const message = `cannot listen on port ${wantedPort}: ${messageOf(cause)}${inUse}`;
    throw new WorkerError(message, { code: "cannot-listen", blame: "host", cause });
  }
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : wantedPort;
}

async function serveViewer(viewer: Socket, source: DisplaySource, signal: AbortSignal): Promise<void> {
  const uid = await peerUid(viewer);
  if (uid !== process.getuid?.()) throw new Error(`a process of another user (${uid ?? "unknown"}) was turned away`);
  const client = await source.connect(signal);
  const display = createWebSocketStream(client);
  await Promise.all([pipeline(viewer, display), pipeline(display, viewer)]).catch((error: unknown) => {
    const code = codeOf(error);
    if (code !== "ERR_STREAM_PREMATURE_CLOSE" && code !== "ECONNRESET" && code !== "EPIPE") throw error;
  });
}

/** Resolves when there is no machine any more, or the signal fires; a worker that does not answer may come back. */
async function untilGone({ server, task, run }: WantedDisplay, signal: AbortSignal): Promise<void> {
  const path = `/api/v1/tasks/${encodeURIComponent(task)}/runs/${run}`;
  for (;;) {
    await after(LOOK_MS, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    const report = await ask<ApiRunReport>({ server, path, signal }).catch(() => undefined);
    if (report !== undefined && report.live === undefined) return;
  }
}

function connect({ server, task, run, mode }: WantedDisplay, signal: AbortSignal) {
  const path = `/api/v1/tasks/${encodeURIComponent(task)}/runs/${run}/display?mode=${mode}`;
  return openSocket({ server, path, signal, maxMessageBytes: MAX_MESSAGE_BYTES });
}

async function findViewer(): Promise<Viewer> {
  for (const viewer of VIEWERS) {
    if (await isInstalled(viewer.name)) return viewer;
  }
  const names = VIEWERS.map(({ name }) => name).join(", ");
  const message = `no VNC viewer is installed (${names}); without --open any viewer can be pointed at the address`;
  throw new WorkerError(message, { code: "no-viewer", blame: "host" });
}
