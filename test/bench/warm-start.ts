/** How soon a command prints its first byte: booted and resumed, by raw QEMU and by Boxcar; and what idle machines cost. */
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { currentSurroundings } from "../../src/config/host-facts.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { createIdentity } from "../../src/guest/wake.ts";
import type { ImageLease } from "../../src/image/store/image-lease.ts";
import { ImageStore } from "../../src/image/store/image-store.ts";
import type { MachineNetworks } from "../../src/sandbox/machine-networks.ts";
import { MachinePool } from "../../src/sandbox/machine-pool.ts";
import { Sandbox } from "../../src/sandbox/sandbox.ts";
import { obtainSnapshot, type WarmStartOptions } from "../../src/sandbox/warm-start.ts";
import { resolveMachine } from "../../src/vm/limits.ts";
import { openNetworks } from "../fixtures/network/machine-networks.ts";
import { autopkgtestFirstByteMs, prepareAutopkgtest } from "./autopkgtest.ts";
import { rawFirstByteMs } from "./raw-qemu.ts";
import { type Report, summarize } from "./report.ts";

const ROUNDS = 20;
const MEMORY_MIB = [512, 4_096];
const IDLE_MACHINES = [1, 10, 30];
const BOXCAR = fileURLToPath(new URL("../../bin/boxcar.js", import.meta.url));

export async function benchWarmStart(): Promise<Report> {
  const { config } = await loadConfig(currentSurroundings(process.env));
  const directory = await mkdtemp("/tmp/bxb-");
  try {
    await using store = await ImageStore.open({ directory: config.images.directory });
    await using image = await store.acquire(config.images.default);
    await using networks = await openNetworks(directory);
    const rows = [];
    for (const memory of MEMORY_MIB)
      rows.push(...(await benchStarts(store, optionsFor(image, networks, memory, directory), directory)));
    const idle = await benchIdle(store, optionsFor(image, networks, 512, directory));
    return { title: "first byte of a command's output, ms", rows, facts: idle };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function optionsFor(image: ImageLease, networks: MachineNetworks, memory: number, directory: string): WarmStartOptions {
  return {
    image,
    machine: resolveMachine(
      { payload: { memory, cores: 1 }, image: image.image.machine },
      { maxMemory: memory, maxCPUs: 1, defaultThreads: 1 },
    ),
    accelerator: "tcg",
    qemuBinary: "qemu-system-x86_64",
    networks,
    bootTimeoutMs: 60_000,
    note: () => {},
    runParent: join(directory, "m"),
    stateParent: join(directory, "state"),
    cacheDirectory: join(directory, "cache"),
    signal: new AbortController().signal,
  };
}

/** All by turns, so that what else the host does meets all of them. */
async function benchStarts(store: ImageStore, options: WarmStartOptions, directory: string) {
  const { image, machine } = options;
  const { memory } = machine;
  const snapshot = await obtainSnapshot(options);
  if (snapshot === undefined) throw new Error("the default image cannot be captured");
  const task = join(directory, `${memory}.json`);
  await writeFile(
    task,
    JSON.stringify({ command: ["echo", "hi"], machine: { memory, cores: 1, threads: 1, sockets: 1 } }),
  );
  await using pool = new MachinePool({
    ...{ machines: 1, memory, maxIdleMs: 3_600_000 },
    acquireImage: (digest) => store.acquire(digest),
  });
  const raw = async (from: typeof snapshot | undefined) => {
    const own = await mkdtemp(join(directory, "r-"));
    const ms = await rawFirstByteMs({ image, machine, snapshot: from, directory: own });
    await rm(own, { recursive: true });
    return ms;
  };
  await using autopkgtest = await prepareAutopkgtest(image.image);
  const ways: Record<string, () => Promise<number>> = {
    "raw QEMU, boot": () => raw(undefined),
    "raw QEMU, resume": () => raw(snapshot),
    "boxcar run --cold": () => commandFirstByteMs([task, "--cold"], directory),
    "boxcar run, warm": () => commandFirstByteMs([task], directory),
    "worker, warm": () => sandboxFirstByteMs(options, undefined),
    "worker, warm from the pool": async () => {
      await pool.settled();
      return await sandboxFirstByteMs(options, pool);
    },
    "autopkgtest-virt-qemu": () => autopkgtestFirstByteMs(autopkgtest, memory),
  };
  const times = new Map(Object.keys(ways).map((name) => [name, [] as number[]]));
  // The first round fills caches and the pool, and is not counted.
  for (let round = -1; round < ROUNDS; round++) {
    for (const [name, measure] of Object.entries(ways)) {
      const ms = await measure();
      if (round >= 0) times.get(name)?.push(ms);
    }
  }
  return [...times].map(([name, values]) => ({ name: `${name}, ${memory} MiB`, ...summarize(values) }));
}

async function commandFirstByteMs(args: string[], directory: string): Promise<number> {
  const begin = performance.now();
  const child = execa(process.execPath, [BOXCAR, "run", ...args, "--output", join(directory, "out")], {
    env: { BOXCAR_ACCELERATOR: "tcg" },
  });
  await once(child.stdout, "data");
  const ms = performance.now() - begin;
  await child;
  return ms;
}

async function sandboxFirstByteMs(options: WarmStartOptions, pool: MachinePool | undefined): Promise<number> {
  const log = new PassThrough();
  const printed = once(log, "data");
  const begin = performance.now();
  await using sandbox = await Sandbox.start({
    ...options,
    ...{ task: { command: ["echo", "hi"], env: {}, tty: false, runId: 0 }, identity: createIdentity("bench"), log },
    ...{ maxLogBytes: 1_000, onLogLimit: () => {}, agentFile: () => undefined, cold: false, pool },
  });
  await printed;
  const ms = performance.now() - begin;
  if (sandbox.snapshot === undefined) throw new Error("the machine booted");
  return ms;
}

/** Memory that nobody else has, of machines that wait in a pool. */
async function benchIdle(store: ImageStore, options: WarmStartOptions): Promise<string[]> {
  const snapshot = await obtainSnapshot(options);
  if (snapshot === undefined) throw new Error("the default image cannot be captured");
  const lines: string[] = [];
  for (const machines of IDLE_MACHINES) {
    await using pool = new MachinePool({
      ...{ machines, memory: machines * options.machine.memory, maxIdleMs: 3_600_000 },
      acquireImage: (digest) => store.acquire(digest),
    });
    pool.noteUse(snapshot, options);
    await pool.settled();
    const pids = await machinesBelow(options.runParent);
    if (pids.length !== machines) throw new Error(`the pool has ${pids.length} machines, not ${machines}`);
    const sizes = await Promise.all(pids.map(privateMiB));
    const sum = sizes.reduce((total, value) => total + value, 0);
    lines.push(
      `${machines} idle machines: ${Math.round(sum)} MiB of private memory, ${(sum / machines).toFixed(1)} each`,
    );
  }
  return lines;
}

/** Process ids of the machines whose sockets are in this folder. */
async function machinesBelow(folder: string): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
  return pids.filter((_pid, index) => {
    const command = commands[index] ?? "";
    return command.startsWith("qemu-system") && command.includes(`${folder}/`);
  });
}

async function privateMiB(pid: string): Promise<number> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, "utf8");
  const fields = [...rollup.matchAll(/^Private_(?:Clean|Dirty): +(\d+) kB$/gm)];
  return fields.reduce((total, [, kib]) => total + Number(kib) / 1_024, 0);
}
