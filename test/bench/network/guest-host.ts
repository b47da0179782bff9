/**
 * A machine of the default image on one kind of network: `guest-host.ts WAY`, in a namespace of the benchmark's.
 *
 * Says {} when its guest is there. Each line of JSON on stdin is a job, and is answered by one on stdout: a list of
 * arguments is for test/fixtures/network/load.c in the guest, answered by the microseconds it printed; a number is how
 * often a network is to be made and removed, answered by the milliseconds of both. Ends with stdin.
 */
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { PassThrough } from "node:stream";
import { execa } from "execa";
import { Scope } from "../../../src/base/scope.ts";
import type { Config } from "../../../src/config/config.ts";
import { currentSurroundings } from "../../../src/config/host-facts.ts";
import { loadConfig } from "../../../src/config/load-config.ts";
import { GuestSession } from "../../../src/guest/guest-session.ts";
import { createMetadataService } from "../../../src/guest/metadata-service.ts";
import { createIdentity, WakeLine } from "../../../src/guest/wake.ts";
import { ImageStore } from "../../../src/image/store/image-store.ts";
import { type ResolvedMachine, resolveMachine } from "../../../src/vm/limits.ts";
import { mtuOf } from "../../../src/vm/network-mtu.ts";
import { VirtualMachine } from "../../../src/vm/virtual-machine.ts";
import { ADMINISTRATOR } from "../../fixtures/network/outside-programs.ts";
import { withBenchService } from "./bench-service.ts";
import { openBoxcar, openNetworks } from "./boxcar-carriers.ts";
import type { Carrier, Way } from "./carrier.ts";
import { openRawTap, openRawUser } from "./raw-carriers.ts";

const MEMORY_MIB = 256;
const LOAD = "/dev/shm/load";

interface Ground {
  readonly carrier: Carrier;
  /** Milliseconds to make a network, and to remove it. */
  cycle(): Promise<[number, number]>;
}

async function openGround(
  way: Way,
  machine: ResolvedMachine,
  config: Config,
  folder: string,
  scope: Scope,
): Promise<Ground> {
  const card = { mac: machine.mac, mtu: mtuOf(machine) };
  if (way === "raw-user") return { carrier: scope.use(await openRawUser()), cycle: async () => [0, 0] };
  if (way === "raw-tap") return { carrier: scope.use(await openRawTap(card.mtu)), cycle: cycleRawNamespace };
  const networks = scope.use(await openNetworks(way, config, join(folder, "cache")));
  const cycle = async (): Promise<[number, number]> => {
    const begin = performance.now();
    const one = await networks.open(card);
    const opened = performance.now();
    await one[Symbol.asyncDispose]();
    return [opened - begin, performance.now() - opened];
  };
  return { carrier: scope.use(await openBoxcar(networks, card)), cycle };
}

const RAW_LINKS = [
  "link set lo up",
  "tuntap add tap0 mode tap",
  "address add 10.0.2.2/24 dev tap0",
  "link set tap0 up",
];

/** The least that there is to do: a namespace with a tap device, made by two programs, and gone with one. */
async function cycleRawNamespace(): Promise<[number, number]> {
  const script = 'printf "%s" "$1" | ip -batch - && echo up && read end';
  const begin = performance.now();
  const program = execa("unshare", ["--net", "--", "sh", "-c", script, "sh", RAW_LINKS.join("\n")], {
    env: ADMINISTRATOR,
    reject: false,
    stdin: "pipe",
  });
  await once(program.stdout, "data");
  const made = performance.now();
  program.stdin.end();
  await program;
  return [made - begin, performance.now() - made];
}

const way = process.argv[2] as Way;
const { config } = await loadConfig(currentSurroundings(process.env));
await using scope = new Scope();
const folder = await mkdtemp(join("/tmp", "bxn-"));
scope.defer(() => rm(folder, { recursive: true, force: true }));
const store = scope.use(await ImageStore.open({ directory: config.images.directory }));
const image = scope.use(await store.acquire(config.images.default));
const machine = resolveMachine(
  { payload: { memory: MEMORY_MIB, cores: 1 }, image: image.image.machine },
  { maxMemory: MEMORY_MIB, maxCPUs: 1, defaultThreads: 1 },
);
const { carrier, cycle } = await openGround(way, machine, config, folder, scope);
const session = scope.use(new GuestSession({ log: new PassThrough().resume() }));
await carrier.serve(withBenchService(createMetadataService(session)));
const vm = scope.use(
  await VirtualMachine.start({
    qemuBinary: config.qemu.binary,
    accelerator: "tcg",
    machine,
    disk: await image.createOverlay(folder),
    network: carrier.network,
    runDirectory: join(folder, "run"),
    resources: new Scope(),
  }),
);
const wakeLine = new WakeLine(vm.wakePort);
void wakeLine.parked.then(() => wakeLine.wake(createIdentity(way)));
await session.firstContact;
await session.putFile(LOAD, await readFile(process.argv[3] as string));
await session.exec({ command: ["chmod", "755", LOAD] });
say({});

for await (const line of createInterface({ input: process.stdin })) {
  const job = JSON.parse(line) as string[] | number;
  say(typeof job === "number" ? await cycles(job) : await load(job));
}

async function load(args: readonly string[]): Promise<number[]> {
  const { exitCode, output } = await session.exec({ command: [LOAD, ...args] });
  if (exitCode !== 0) throw new Error(`${way}: load ${args.join(" ")}: ${output.toString()}`);
  return output.toString().trim().split("\n").map(Number);
}

async function cycles(count: number): Promise<[number, number][]> {
  const times: [number, number][] = [];
  for (let index = 0; index < count; index++) times.push(await cycle());
  return times;
}

function say(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
