/** What one does by hand who has QEMU and `cp`: a machine whose memory is a file, saved and gone on from copies. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { PassThrough } from "node:stream";
import { execa } from "execa";
import { Scope } from "../../../src/base/scope.ts";
import { GuestSession } from "../../../src/guest/guest-session.ts";
import { createMetadataService } from "../../../src/guest/metadata-service.ts";
import { createIdentity, WakeLine } from "../../../src/guest/wake.ts";
import { topDisk } from "../../../src/image/store/chain.ts";
import type { ImageLease } from "../../../src/image/store/image-lease.ts";
import { openIsolatedServices } from "../../../src/network/isolated-services.ts";
import { UserNetwork } from "../../../src/network/user/user-network.ts";
import { buildArguments } from "../../../src/vm/arguments.ts";
import type { ResolvedMachine } from "../../../src/vm/limits.ts";
import { mtuOf } from "../../../src/vm/network-mtu.ts";
import { RawMonitor } from "../raw-qemu.ts";
import { FILLED, fillingTask, heartbeat } from "./beating-guest.ts";

interface RawFiles {
  memory: string;
  disk: string;
  state: string;
}

export function rawFiles(directory: string): RawFiles {
  return { memory: join(directory, "memory"), disk: join(directory, "disk.qcow2"), state: join(directory, "state") };
}

/** Memory and disk; what is not zero. */
async function copyFiles(from: string, to: string): Promise<void> {
  const [source, target] = [rawFiles(from), rawFiles(to)];
  for (const name of ["memory", "disk"] as const) await execa("cp", ["--sparse=always", source[name], target[name]]);
}

export class RawMachine implements AsyncDisposable {
  readonly #qemu: ReturnType<typeof startQemu>;
  readonly #monitor: RawMonitor;
  readonly #scope: Scope;
  readonly #serial: Duplex;

  private constructor(qemu: ReturnType<typeof startQemu>, monitor: RawMonitor, serial: Duplex, scope: Scope) {
    this.#qemu = qemu;
    this.#monitor = monitor;
    this.#serial = serial;
    this.#scope = scope;
  }

  /** Boots one; resolves when its guest beats. `firstContactMs` is how long it took to ask for its task. */
  static async boot(
    directory: string,
    image: ImageLease,
    machine: ResolvedMachine,
  ): Promise<{ raw: RawMachine; firstContactMs: number }> {
    await using scope = new Scope();
    await mkdir(directory);
    const { file, format } = topDisk(image.image);
    await execa("qemu-img", ["create", "-q", "-f", "qcow2", "-b", file, "-F", format, rawFiles(directory).disk]);
    const log = new PassThrough();
    const filled = new Promise<void>((resolve) =>
      log.on("data", (chunk: Buffer) => chunk.includes(FILLED) && resolve()),
    );
    const session = scope.use(new GuestSession({ task: fillingTask(machine.memory), log }));
    const services = scope.use(await openIsolatedServices());
    const network = scope.use(await UserNetwork.open({ mac: machine.mac, mtu: mtuOf(machine), services }));
    network.setHandler(createMetadataService(session));
    const begin = performance.now();
    const qemu = startQemu(directory, image, machine, undefined);
    const [link, monitorPort, wakePort, serial] = portsOf(qemu);
    network.connect(link);
    const wakeLine = new WakeLine(wakePort);
    const monitor = new RawMonitor(monitorPort);
    const raw = new RawMachine(qemu, monitor, serial, scope.move());
    await monitor.execute("qmp_capabilities");
    await monitor.execute("cont");
    await wakeLine.parked;
    wakeLine.wake(createIdentity("raw"));
    await session.firstContact;
    const firstContactMs = performance.now() - begin;
    await filled;
    await raw.beat();
    return { raw, firstContactMs };
  }

  /** Goes on from copies of what was saved, in a new folder; resolves when its guest beats. */
  static async goOn(saved: string, directory: string, image: ImageLease, machine: ResolvedMachine) {
    await mkdir(directory);
    await copyFiles(saved, directory);
    const { state } = rawFiles(saved);
    const qemu = startQemu(directory, image, machine, state);
    const [link, monitorPort, wakePort, serial] = portsOf(qemu);
    link.resume();
    wakePort.resume();
    const raw = new RawMachine(qemu, new RawMonitor(monitorPort), serial, new Scope());
    const beat = raw.beat();
    await raw.#monitor.execute("qmp_capabilities");
    await raw.#monitor.execute("migrate-set-capabilities", CAPABILITIES);
    const completed = raw.#monitor.event("MIGRATION", "completed");
    await raw.#monitor.execute("migrate-incoming", { uri: `exec:cat ${state}` });
    await completed;
    await raw.#monitor.execute("cont");
    await beat;
    return raw;
  }

  beat(): Promise<void> {
    return heartbeat((hear) => this.#serial.on("data", hear));
  }

  /** Resolves with how long it stood still, when the disk has all of it. */
  async save(from: string, to: string): Promise<number> {
    await mkdir(to);
    await this.#monitor.execute("migrate-set-capabilities", CAPABILITIES);
    await this.#monitor.execute("migrate-set-parameters", { "max-bandwidth": 2 ** 40 });
    const begin = performance.now();
    await this.#monitor.execute("stop");
    const completed = this.#monitor.event("MIGRATION", "completed");
    await this.#monitor.execute("migrate", { uri: `exec:cat > ${rawFiles(to).state}` });
    await completed;
    await copyFiles(from, to);
    await this.#monitor.execute("cont");
    const stillMs = performance.now() - begin;
    await execa("sync", Object.values(rawFiles(to)));
    return stillMs;
  }

  async hold(): Promise<void> {
    await this.#monitor.execute("stop");
  }

  async letGo(): Promise<void> {
    await this.#monitor.execute("cont");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#qemu.kill("SIGKILL");
    await this.#qemu;
    await this.#scope[Symbol.asyncDispose]();
  }
}

const CAPABILITIES = {
  capabilities: ["x-ignore-shared", "events"].map((capability) => ({ capability, state: true })),
};

function startQemu(directory: string, image: ImageLease, machine: ResolvedMachine, stateFile: string | undefined) {
  const { memory, disk } = rawFiles(directory);
  const args = buildArguments(machine, {
    accelerator: "tcg",
    disk: { diskFile: disk, format: "qcow2", directBoot: image.directBoot },
    memory: { kind: "own", memoryFile: memory, stateFile },
    netdev: "stream,id=net0,server=off,addr.type=fd,addr.str=3",
    ...{ monitorFd: 4, wakeFd: 5, consoleFd: 6, vncSocket: join(directory, "vnc") },
  });
  // By hand one has QEMU start `cat`.
  args.splice(args.indexOf("-sandbox"), 2);
  return execa("qemu-system-x86_64", args, {
    ...{ stdio: ["ignore", "ignore", "inherit", "pipe", "pipe", "pipe", "pipe"], buffer: false, reject: false },
  });
}

function portsOf(qemu: ReturnType<typeof startQemu>): [Duplex, Duplex, Duplex, Duplex] {
  return qemu.stdio.slice(3) as unknown as [Duplex, Duplex, Duplex, Duplex];
}
