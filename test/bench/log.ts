/**
 * How fast what a guest prints becomes a log, beside the same bytes through a plain connection of the same guest to the
 * same host.
 */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { Scope } from "../../src/base/scope.ts";
import { currentSurroundings } from "../../src/config/host-facts.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { GuestSession } from "../../src/guest/guest-session.ts";
import { createMetadataService } from "../../src/guest/metadata-service.ts";
import { createIdentity } from "../../src/guest/wake.ts";
import { ImageStore } from "../../src/image/store/image-store.ts";
import { compressLog, type LogEncoding } from "../../src/log/compress-log.ts";
import { LiveLog } from "../../src/log/live-log.ts";
import { SecretMask } from "../../src/log/mask/secret-mask.ts";
import { TaskLog } from "../../src/log/task-log.ts";
import type { GuestNetwork } from "../../src/network/guest-network.ts";
import { launch } from "../../src/sandbox/launch.ts";
import { resolveMachine } from "../../src/vm/limits.ts";
import { openNetworks } from "../fixtures/network/machine-networks.ts";

const ROUNDS = 5;
const FILE_BYTES = 8 * 1_000_000;
const REPEATS = 12;
const MEMORY_MIB = 256;
const SECRETS = 10;
const TEXT = "/dev/shm/text";
/** What of it all is sent, in the guest. */
const PRINT = `cat ${Array(REPEATS).fill(TEXT).join(" ")}`;
/** A connection that becomes a plain one: what follows the head is for whoever took it over. */
const CONNECT = [
  "exec 3<>/dev/tcp/169.254.169.254/80",
  "printf 'GET / HTTP/1.1\\r\\nHost: bench\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\n\\r\\n' >&3",
].join("; ");

export interface Throughput {
  readonly name: string;
  /** Medians, of 1,000,000 bytes. */
  readonly megabytesPerSecond: number;
  readonly rounds: number;
}

export async function benchLog(): Promise<Throughput[]> {
  const { config } = await loadConfig(currentSurroundings(process.env));
  await using scope = new Scope();
  const directory = await mkdtemp(join(config.stateDir, "bench-"));
  scope.defer(() => rm(directory, { recursive: true, force: true }));
  const store = scope.use(await ImageStore.open({ directory: config.images.directory }));
  const image = scope.use(await store.acquire(config.images.default));
  const machines = join(directory, "machines");
  const networks = scope.use(await openNetworks(directory));
  const start = (log: TaskLog) =>
    startGuest(log, (machine) =>
      launch(
        {
          image,
          machine: resolveMachine(
            { payload: { memory: MEMORY_MIB, cores: 1 }, image: image.image.machine },
            { maxMemory: MEMORY_MIB, maxCPUs: 1, defaultThreads: 1 },
          ),
          accelerator: "tcg",
          qemuBinary: config.qemu.binary,
          networks,
          runParent: join(config.runDir, "m"),
          stateParent: machines,
          cacheDirectory: join(config.stateDir, "cache"),
          signal: machine,
        },
        { kind: "boot" },
      ),
    );

  const results: Throughput[] = [];
  for (const mask of [undefined, tenSecrets()]) {
    const path = join(directory, mask === undefined ? "plain.log" : "masked.log");
    await using live = await LiveLog.create({ path });
    await using guest = await start(new TaskLog([live], { mask }));
    await guest.session.putFile(TEXT, buildLog());
    const times = await byTurns({
      raw: () => guest.sendRaw(`${PRINT} >&3`),
      piped: () => guest.sendRaw(`${PRINT} | cat >&3`),
      log: () => guest.print(live),
    });
    const what = mask === undefined ? "" : `, ${SECRETS} secrets masked`;
    results.push(
      summarize(`guest, plain connection${mask === undefined ? "" : ", again"}`, times.raw),
      summarize(`guest, plain connection behind a pipe${mask === undefined ? "" : ", again"}`, times.piped),
      summarize(`guest, stdout to the log's file${what}`, times.log),
    );
    await live.close();
    if (mask === undefined) results.push(...(await benchPacking(path)));
  }
  return results;
}

export function formatThroughput(results: readonly Throughput[]): string {
  const rows = results.map(({ name, megabytesPerSecond, rounds }) =>
    [name.padEnd(60), megabytesPerSecond.toFixed(0).padStart(7), String(rounds).padStart(7)].join(" "),
  );
  return [["log".padEnd(60), "   MB/s", " rounds"].join(" "), ...rows].join("\n");
}

/** A machine whose agent asks for a task, and which may also connect to nobody in particular. */
async function startGuest(log: TaskLog, start: (signal: AbortSignal) => ReturnType<typeof launch>) {
  await using scope = new Scope();
  const machine = await start(new AbortController().signal);
  scope.use(machine.vm);
  const session = scope.use(new GuestSession({ log }));
  machine.network.setHandler(createMetadataService(session));
  void machine.wakeLine.parked.then(() => machine.wakeLine.wake(createIdentity("bench")));
  await session.firstContact;
  const owned = scope.move();
  return {
    session,
    /** Milliseconds until all of it was here. */
    sendRaw: (send: string) => sendRaw(machine.network, session, send),
    /** Milliseconds until all of it was in the file. */
    print: (live: LiveLog) => print(session, log, live),
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
}

async function sendRaw(network: GuestNetwork, session: GuestSession, send: string): Promise<number> {
  const counted = Promise.withResolvers<void>();
  network.setUpgradeHandler((_request, socket, head) => void count(socket, head).then(counted.resolve, counted.reject));
  const begin = performance.now();
  const sent = session.exec({ command: ["bash", "-c", `${CONNECT}; ${send}`] });
  await counted.promise;
  const durationMs = performance.now() - begin;
  const { exitCode, output } = await sent;
  if (exitCode !== 0) throw new Error(`the guest could not send: ${output.toString()}`);
  return durationMs;
}

async function count(socket: Duplex, head: Buffer): Promise<void> {
  let sizeBytes = head.length;
  socket.on("data", (chunk: Buffer) => {
    sizeBytes += chunk.length;
  });
  await once(socket, "end");
  socket.end();
  if (sizeBytes !== FILE_BYTES * REPEATS) throw new Error(`${sizeBytes} bytes came through the plain connection`);
}

async function print(session: GuestSession, log: TaskLog, live: LiveLog): Promise<number> {
  const sizeBefore = live.sizeBytes;
  const begin = performance.now();
  const { success } = await session.run(
    { command: ["sh", "-c", PRINT], env: {}, tty: false, runId: 0 },
    { more: true },
  );
  await log.flush();
  await live.flush();
  const durationMs = performance.now() - begin;
  const sizeBytes = live.sizeBytes - sizeBefore;
  if (!success || sizeBytes < FILE_BYTES * REPEATS * 0.9) throw new Error(`${sizeBytes} bytes got into the log`);
  return durationMs;
}

async function benchPacking(path: string): Promise<Throughput[]> {
  const { size } = await stat(path);
  const results: Throughput[] = [];
  for (const encoding of ["zstd", "gzip"] satisfies LogEncoding[]) {
    const begin = performance.now();
    await compressLog(path, `${path}.${encoding}`, encoding);
    const durationMs = performance.now() - begin;
    results.push({
      name: `the log's file to an artifact, ${encoding}`,
      megabytesPerSecond: size / 1_000 / durationMs,
      rounds: 1,
    });
  }
  return results;
}

/** Runs all of them, by turns, so that what else the host does meets all. */
async function byTurns<K extends string>(
  ways: Readonly<Record<K, () => Promise<number>>>,
): Promise<Record<K, number[]>> {
  const names = Object.keys(ways) as K[];
  const times = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<K, number[]>;
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of names) times[name].push(await ways[name]());
  }
  return times;
}

function summarize(name: string, times: readonly number[]): Throughput {
  const median = [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN;
  return { name, megabytesPerSecond: (FILE_BYTES * REPEATS) / 1_000 / median, rounds: times.length };
}

/** What a build prints. */
function buildLog(): Buffer {
  const lines: string[] = [];
  for (let size = 0, i = 0; size < FILE_BYTES; i++) {
    const line = `[${i}] cc -O2 -Wall -Isrc -c src/module_${i % 997}.c -o build/${randomBytes(6).toString("hex")}.o\n`;
    lines.push(line);
    size += line.length;
  }
  return Buffer.from(lines.join("")).subarray(0, FILE_BYTES);
}

function tenSecrets(): SecretMask {
  const secrets = Array.from({ length: SECRETS }, (_, i) => ({
    name: `SECRET_${i}`,
    value: randomBytes(15).toString("base64"),
  }));
  return SecretMask.build(secrets);
}
