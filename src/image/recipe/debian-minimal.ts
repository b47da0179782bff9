/**
 * The recipe of the default image: a small Debian that boots straight into the agent.
 *
 * *Owns* the work folder while it runs, and removes it.
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { getuid } from "node:process";
import type { ImageProvenance } from "../../generated/image.ts";
import type { Machine } from "../../generated/machine.ts";
import { runCommand } from "../../host/command.ts";
import { DEFAULT_LIMITS } from "../archive/format.ts";
import { packImage } from "../archive/pack.ts";
import { ImageError } from "../errors.ts";
import { chooseZstd } from "../zstd/choose-zstd.ts";
import { makeDebianRoot } from "./debian-root.ts";
import { addGuestFiles } from "./guest-files.ts";
import { DRIVERS, type GuestKernel, unpackKernel } from "./kernel.ts";
import { makeRootDisk } from "./root-disk.ts";

export interface RecipeOptions {
  /** Absolute path of the archive. */
  output: string;
  /** Absolute path of a folder that is not there yet. */
  workDirectory: string;
  agentBinary: string;
  initBinary: string;
  signal?: AbortSignal | undefined;
  onProgress?: (stage: string) => void;
  /** Lines of the package tools. */
  onLine?: (line: string) => void;
}

const NAME = "debian-minimal";
const PACKAGES = ["tcc", "libc6-dev", "make", "procps", "iproute2", "ca-certificates"];
const KERNEL_PACKAGE = "linux-image-amd64";
const DISK_MIB = 4_096;

/**
 * Kernel messages go to the screen and the serial console; under an emulated CPU each line costs milliseconds, so only
 * errors and worse do. A panic stops the machine for the host to see.
 */
const CMDLINE = "console=tty0 console=ttyS0 loglevel=4 random.trust_cpu=on no_timer_check panic=0 rdinit=/init";

/** The kernel knows this keyboard from its beginning; for one with USB drivers would have to be loaded at each boot. */
const HARDWARE = { keyboard: "PS/2" } as const satisfies Partial<Machine>;

/** Digests of all that this build decides by itself; an image with other ones is out of date. */
export async function debianMinimalInputs(
  programs: Pick<RecipeOptions, "agentBinary" | "initBinary">,
): Promise<Record<string, string>> {
  const recipe = JSON.stringify([PACKAGES, KERNEL_PACKAGE, DRIVERS, DISK_MIB, CMDLINE, HARDWARE]);
  return {
    "boxcar-agent": sha256(await readFile(programs.agentBinary)),
    "boxcar-init": sha256(await readFile(programs.initBinary)),
    recipe: sha256(recipe),
  };
}

function sha256(content: Uint8Array | string): string {
  return createHash("sha256").update(content).digest("hex");
}

/** @throws {CommandError} of the tool that failed; `signal.reason`. Nothing is left then. */
export async function buildDebianMinimal(options: RecipeOptions): Promise<void> {
  const { workDirectory, signal, onProgress = () => {} } = options;
  if (getuid?.() !== 0) {
    const message = "an image of Debian packages is built by root, who may make device nodes and other users' files";
    throw new ImageError("image-build-failed", message, { blame: "host" });
  }
  const root = join(workDirectory, "root");
  const parts = join(workDirectory, "image");
  // A folder that is there already is somebody else's, and would be removed at the end.
  await mkdir(workDirectory);
  try {
    await mkdir(parts);
    onProgress("installing Debian packages");
    await makeDebianRoot({
      directory: root,
      kernelDirectory: join(workDirectory, "kernel"),
      packages: PACKAGES,
      kernelPackage: KERNEL_PACKAGE,
      signal,
      ...(options.onLine === undefined ? {} : { onLine: options.onLine }),
    });
    onProgress("making kernel and disk");
    const packages = await installedPackages(root, signal);
    await addGuestFiles(root, options.agentBinary, options.initBinary);
    const kernel = await unpackKernel(join(workDirectory, "kernel"), options.initBinary, signal);
    await writeFile(join(parts, "kernel"), kernel.kernel);
    await writeFile(join(parts, "initrd"), kernel.initramfs);
    await makeRootDisk(root, join(parts, "disk.img"), DISK_MIB, signal);
    await writeJson(join(parts, "machine.json"), machine());
    await writeJson(join(parts, "image.json"), await provenance(options, kernel, packages));
    onProgress("packing");
    await mkdir(dirname(options.output), { recursive: true });
    await packImage(parts, options.output, { zstd: await chooseZstd(), limits: DEFAULT_LIMITS, threads: 2, signal });
  } finally {
    await rm(workDirectory, { recursive: true, force: true });
  }
}

function machine(): Machine {
  const boot = { kernel: "kernel", initrd: "initrd", cmdline: CMDLINE };
  return { version: 2, uuid: crypto.randomUUID(), ...HARDWARE, boot };
}

async function provenance(
  programs: RecipeOptions,
  kernel: GuestKernel,
  packages: { name: string; version: string }[],
): Promise<ImageProvenance> {
  const { stdout } = await runCommand([programs.agentBinary, "--version"]);
  const kernelPackage = {
    name: `linux-image-${kernel.version}`,
    version: kernel.packageFile.split("_")[1] ?? "unknown",
  };
  return {
    name: NAME,
    created: new Date().toISOString(),
    builder: "boxcar image build",
    recipe: NAME,
    inputs: await debianMinimalInputs(programs),
    packages: [...packages, kernelPackage],
    agent: stdout.trim(),
  };
}

async function installedPackages(root: string, signal: AbortSignal | undefined) {
  const status = await readFile(join(root, "var/lib/dpkg/status"), "utf8");
  signal?.throwIfAborted();
  return [...status.matchAll(/^Package: (.+)\n(?:.+\n)*?Version: (.+)$/gm)].map(([, name, version]) => ({
    name: name as string,
    version: version as string,
  }));
}

async function writeJson(file: string, value: unknown): Promise<void> {
  await writeFile(file, `${JSON.stringify(value, undefined, 2)}\n`);
}
