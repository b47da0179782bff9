/** What Boxcar costs over raw QEMU and over `zstd | tar`, with the default image. */
import { link, mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { currentSurroundings } from "../../src/config/host-facts.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { DEFAULT_LIMITS } from "../../src/image/archive/format.ts";
import { packImage } from "../../src/image/archive/pack.ts";
import type { Image } from "../../src/image/store/image.ts";
import { ImageStore } from "../../src/image/store/image-store.ts";
import { chooseZstd } from "../../src/image/zstd/choose-zstd.ts";
import { type Comparison, compare } from "./comparison.ts";

const ROUNDS = 5;
const BOXCAR = fileURLToPath(new URL("../../bin/boxcar.js", import.meta.url));
/** The guest's init prints it on the console just before it starts the agent. */
const AGENT_STARTS = "asking http://169.254.169.254";

export async function benchOverhead(): Promise<Comparison[]> {
  const { config } = await loadConfig(currentSurroundings(process.env));
  // Beside the images, so that their files can be linked instead of copied.
  const directory = await mkdtemp(join(config.stateDir, "bench-"));
  try {
    await using store = await ImageStore.open({ directory: config.images.directory });
    await using lease = await store.acquire(config.images.default);
    await lease.createOverlay(directory);
    // Finds out the accelerator and makes the snapshot, before anything is timed.
    await boxcarRun(directory);
    const raw = () => rawBoot(lease.image, join(directory, "disk.qcow2"));
    const cold = await compare("raw QEMU to agent | boxcar run --cold true", ROUNDS, raw, () =>
      boxcarRun(directory, "--cold"),
    );
    const warm = await compare("raw QEMU to agent | boxcar run true", ROUNDS, raw, () => boxcarRun(directory));
    const archive = join(directory, "image.tar.zst");
    const parts = join(directory, "parts");
    await mkdir(parts);
    for (const [name, file] of Object.entries(lease.image.files)) await link(file, join(parts, name));
    await packImage(parts, archive, { zstd: await chooseZstd(), limits: DEFAULT_LIMITS });
    const imported = await compare(
      "zstd -d | tar -xS | image import",
      ROUNDS,
      () => rawUnpack(archive, join(directory, "raw")),
      () => boxcarImport(archive, join(directory, "store")),
    );
    return [cold, warm, imported];
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

async function rawBoot({ files, machine }: Image, disk: string): Promise<number> {
  return await timed(async () => {
    const qemu = execa(
      "qemu-system-x86_64",
      [
        ...["-nodefaults", "-no-user-config", "-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "max"],
        ...["-smp", "1", "-m", "256M", "-display", "none", "-device", "VGA", "-serial", "stdio"],
        ...["-drive", `if=none,id=d,file=${disk},format=qcow2,snapshot=on`, "-device", "virtio-blk-pci,drive=d"],
        ...["-netdev", "user,id=n,restrict=on", "-device", "virtio-net-pci,netdev=n,romfile="],
        ...["-kernel", files.kernel ?? "", "-initrd", files.initrd ?? "", "-append", machine.boot?.cmdline ?? ""],
      ],
      { reject: false, buffer: false, stdin: "ignore" },
    );
    let seen = "";
    await new Promise<void>((resolve, reject) => {
      qemu.stdout?.on("data", (chunk: Buffer) => {
        seen += chunk.toString("latin1");
        if (seen.includes(AGENT_STARTS)) resolve();
      });
      void qemu.then(() => reject(new Error(`QEMU ended before the agent started: ${seen}`)));
    });
    qemu.kill("SIGKILL");
    await qemu;
  });
}

async function boxcarRun(directory: string, ...flags: string[]): Promise<number> {
  return await timed(() =>
    execa(
      process.execPath,
      [BOXCAR, "run", join(import.meta.dirname, "true.yml"), "--output", join(directory, "out"), ...flags],
      {
        env: { BOXCAR_ACCELERATOR: "tcg" },
      },
    ),
  );
}

async function rawUnpack(archive: string, target: string): Promise<number> {
  await rm(target, { recursive: true, force: true });
  await mkdir(target);
  return await timed(() => execa("zstd", ["-dcq", archive], { buffer: false }).pipe("tar", ["-xS", "-C", target]));
}

async function boxcarImport(archive: string, target: string): Promise<number> {
  await rm(target, { recursive: true, force: true });
  await using store = await ImageStore.open({ directory: target });
  return await timed(() => store.import(archive));
}
