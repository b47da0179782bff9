/**
 * The state of a machine's devices, out of QEMU into a file and back, by its migration stream. The memory is not in
 * it: that is a file already, see {@link MachineMemory}.
 *
 * QEMU may neither open files of ours nor start programs (`-sandbox`), so the stream goes over a socket in the
 * machine's own folder.
 *
 * @see QEMU docs/devel/migration, qapi/migration.json
 */
import { once } from "node:events";
import { createReadStream, createWriteStream } from "node:fs";
import { connect, createServer } from "node:net";
import { pipeline } from "node:stream/promises";
import { orAborted, orTimeout } from "../base/abort.ts";
import type { QmpClient } from "../qmp/client.ts";
import type { QmpEvent } from "../qmp/messages.ts";
import { VirtualMachineError } from "./errors.ts";

export interface StateTransfer {
  monitor: QmpClient;
  /** Absolute path, short, in a folder that only this user can enter; nothing is there. */
  socketPath: string;
  /** Absolute path of the file with the state. */
  stateFile: string;
  signal?: AbortSignal | undefined;
}

/** A few hundred KiB over a local socket; a QEMU that takes longer hangs. */
const TRANSFER_TIMEOUT_MS = 30_000;
/** Bytes a second: as good as no limit, which QEMU does not have. */
const MAX_BANDWIDTH = 2 ** 40;
const ENDS: readonly unknown[] = ["completed", "failed", "cancelled"];
const CAPABILITIES = ["x-ignore-shared", "events"].map((capability) => ({ capability, state: true }));

/**
 * Writes the state of a machine that is stopped. QEMU has written all of its disks by then and let them go; told to go
 * on, it takes them back.
 */
export async function saveState({ monitor, socketPath, stateFile, signal }: StateTransfer): Promise<void> {
  const server = createServer().listen(socketPath);
  try {
    await once(server, "listening");
    await transfer(monitor, signal, async (over) => {
      const connected = once(server, "connection", { signal: over });
      const stream = connected.then(([socket]) =>
        pipeline(socket, createWriteStream(stateFile, { flags: "wx", mode: 0o600 }), { signal: over }),
      );
      stream.catch(() => {});
      await monitor.execute("migrate-set-parameters", { "max-bandwidth": MAX_BANDWIDTH });
      await monitor.execute("migrate", { uri: `unix:${socketPath}` });
      return { stream };
    });
  } finally {
    server.close();
  }
}

/** Gives a machine started with `-incoming defer` its state; it is paused afterwards. */
export async function loadState({ monitor, socketPath, stateFile, signal }: StateTransfer): Promise<void> {
  await transfer(monitor, signal, async (over) => {
    await monitor.execute("migrate-incoming", { uri: `unix:${socketPath}` });
    // QEMU closes the socket as soon as it has enough, which looks like a break from here; it says itself what came.
    return { stream: pipeline(createReadStream(stateFile), connect(socketPath), { signal: over }).catch(() => {}) };
  });
}

/**
 * @param begin Has QEMU begin; `stream` settles with the end of the stream, and is given up when the signal fires.
 * @throws {VirtualMachineError} `state-transfer-failed`
 */
async function transfer(
  monitor: QmpClient,
  signal: AbortSignal | undefined,
  begin: (over: AbortSignal) => Promise<{ stream: Promise<unknown> }>,
): Promise<void> {
  const status = Promise.withResolvers<string>();
  const stopListening = monitor.onEvent((event) => {
    const end = endOf(event);
    if (end !== undefined) status.resolve(end);
  });
  void monitor.closed.then(() => status.resolve("ended QEMU"));
  const over = new AbortController();
  const all = async () => {
    await monitor.execute("migrate-set-capabilities", { capabilities: CAPABILITIES });
    const { stream } = await begin(over.signal);
    stream.catch(() => {});
    const end = await status.promise;
    if (end !== "completed") throw failed(end);
    await stream;
  };
  try {
    const late = () => failed(`did not end within ${TRANSFER_TIMEOUT_MS} ms`);
    await orAborted(orTimeout(all(), TRANSFER_TIMEOUT_MS, late), signal);
  } finally {
    over.abort();
    stopListening();
  }
}

function endOf({ name, data }: QmpEvent): string | undefined {
  const { status } = data;
  return name === "MIGRATION" && ENDS.includes(status) ? (status as string) : undefined;
}

function failed(how: string): VirtualMachineError {
  return new VirtualMachineError("state-transfer-failed", `the transfer of the machine's state ${how}`, {
    blame: "host",
  });
}
