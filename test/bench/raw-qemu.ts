/**
 * QEMU with the same command line as Boxcar's, driven by nothing but what is needed: the floor of what a start costs.
 *
 * The guest gets its command from Boxcar's network and service, which are there before the time is taken.
 */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Duplex } from "node:stream";
import { PassThrough } from "node:stream";
import { execa } from "execa";
import { GuestSession } from "../../src/guest/guest-session.ts";
import { createMetadataService } from "../../src/guest/metadata-service.ts";
import { createIdentity, WakeLine } from "../../src/guest/wake.ts";
import type { ImageLease } from "../../src/image/store/image-lease.ts";
import type { Snapshot } from "../../src/image/store/snapshots.ts";
import { openIsolatedServices } from "../../src/network/isolated-services.ts";
import { UserNetwork } from "../../src/network/user/user-network.ts";
import { buildArguments } from "../../src/vm/arguments.ts";
import type { ResolvedMachine } from "../../src/vm/limits.ts";
import { mtuOf } from "../../src/vm/network-mtu.ts";
import type { MachineMemory } from "../../src/vm/ports.ts";

export interface RawStart {
  image: ImageLease;
  machine: ResolvedMachine;
  /** Undefined boots. */
  snapshot: Snapshot | undefined;
  /** An empty folder for overlay and sockets; a short path. */
  directory: string;
}

/** Milliseconds from the start of QEMU to the first byte that a command printed. */
export async function rawFirstByteMs({ image, machine, snapshot, directory }: RawStart): Promise<number> {
  const disk = await image.createOverlay(directory, snapshot);
  const log = new PassThrough();
  const session = new GuestSession({ task: { command: ["echo", "hi"], env: {}, tty: false, runId: 0 }, log });
  await using services = await openIsolatedServices();
  await using network = await UserNetwork.open({ mac: machine.mac, mtu: mtuOf(machine), services });
  network.setHandler(createMetadataService(session));
  const printed = once(log, "data");
  const begin = performance.now();
  const qemu = execa(
    "qemu-system-x86_64",
    buildArguments(machine, {
      accelerator: "tcg",
      disk,
      memory: memoryOf(snapshot),
      netdev: "stream,id=net0,server=off,addr.type=fd,addr.str=3",
      monitorFd: 4,
      wakeFd: 5,
      consoleFd: 6,
      vncSocket: join(directory, "vnc"),
    }),
    { stdio: ["ignore", "ignore", "inherit", "pipe", "pipe", "pipe", "pipe"], buffer: false, reject: false },
  );
  const [link, monitor, wakePort, serialPort] = qemu.stdio.slice(3) as unknown as Duplex[] as [
    Duplex,
    Duplex,
    Duplex,
    Duplex,
  ];
  serialPort.resume();
  network.connect(link);
  const wakeLine = new WakeLine(wakePort);
  const qmp = new RawMonitor(monitor);
  await qmp.execute("qmp_capabilities");
  if (snapshot !== undefined) await loadState(qmp, join(directory, "state"), snapshot.files.state);
  await qmp.execute("cont");
  if (snapshot === undefined) await wakeLine.parked;
  wakeLine.wake(createIdentity("raw"));
  await printed;
  const ms = performance.now() - begin;
  qemu.kill("SIGKILL");
  await qemu;
  await session[Symbol.asyncDispose]();
  return ms;
}

function memoryOf(snapshot: Snapshot | undefined): MachineMemory {
  if (snapshot === undefined) return { kind: "anonymous" };
  return { kind: "resumed", memoryFile: snapshot.files.memory, stateFile: snapshot.files.state };
}

async function loadState(qmp: RawMonitor, socket: string, stateFile: string): Promise<void> {
  const capabilities = ["x-ignore-shared", "events"].map((capability) => ({ capability, state: true }));
  await qmp.execute("migrate-set-capabilities", { capabilities });
  await qmp.execute("migrate-incoming", { uri: `unix:${socket}` });
  const completed = qmp.event("MIGRATION", "completed");
  connect(socket).end(await readFile(stateFile));
  await completed;
}

/** Commands, one after the other, and nothing else. */
export class RawMonitor {
  readonly #monitor: Duplex;
  readonly #waiting: { test: (message: Message) => boolean; found: () => void }[] = [];

  constructor(monitor: Duplex) {
    this.#monitor = monitor;
    createInterface({ input: monitor }).on("line", (line) => {
      const message = JSON.parse(line) as Message;
      const index = this.#waiting.findIndex(({ test }) => test(message));
      if (index !== -1) this.#waiting.splice(index, 1)[0]?.found();
    });
  }

  async execute(command: string, args?: object): Promise<void> {
    const answered = this.#wait((message) => "return" in message);
    this.#monitor.write(
      `${JSON.stringify({ execute: command, ...(args === undefined ? {} : { arguments: args }) })}\n`,
    );
    await answered;
  }

  event(name: string, status: string): Promise<void> {
    return this.#wait((message) => message.event === name && message.data?.status === status);
  }

  #wait(test: (message: Message) => boolean): Promise<void> {
    return new Promise((found) => this.#waiting.push({ test, found }));
  }
}

interface Message {
  return?: unknown;
  event?: string;
  data?: { status?: string };
}
