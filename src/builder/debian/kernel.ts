/** Kernel and initramfs of the guest, out of the kernel's Debian package. */
import { readdir, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { ADMINISTRATORS_PATH, runCommand } from "../../host/command.ts";
import { filter } from "../../host/filter.ts";
import { ImageError } from "../../image/errors.ts";
import type { InstalledPackage } from "../mutable-image.ts";
import { payloadOf } from "./bzimage.ts";
import { decompressorOf } from "./compression.ts";
import { buildCpio, type CpioEntry } from "./cpio.ts";
import { buildDriverMap, type DriverPlan, fileInInitramfs } from "./driver-map.ts";

/** For the root and the hardware of every machine that can be asked for. */
export const DRIVERS: DriverPlan = {
  // ext4 asks the kernel for crc32c by the name of the algorithm, of which depmod knows nothing.
  always: ["crc32c_generic", "ext4"],
  forDevices: [
    ...["virtio_pci", "virtio_mmio", "virtio_blk", "virtio_net", "virtio_scsi", "virtio_console", "virtio_rng"],
    "virtio_balloon",
    ...["nvme", "sd_mod", "e1000", "e1000e", "8139cp"],
    ...["pvpanic_mmio", "pvpanic_pci", "button", "vmgenid"],
    // The kernel is not started by way of a BIOS call, so it knows of no text mode: screens need their driver.
    ...["bochs", "virtio_gpu", "qxl"],
  ],
  // Looking for disks on the controllers of the board takes a third of a second.
  lastResort: ["ahci", "ata_piix"],
};

const FOLDER = 0o040755;
const PROGRAM = 0o100755;
const FILE = 0o100644;
const ELF = Buffer.from("\x7fELF", "latin1");

export interface GuestKernel {
  /** An ELF kernel, which QEMU starts by its PVH entry: the decompressor of a bzImage takes seconds where CPUs are emulated. */
  kernel: Buffer;
  initramfs: Buffer;
  /** As in the name of its package. */
  version: string;
  /** Its package. */
  package: InstalledPackage;
  /** Absolute path of the folder with all its modules, whose name is the version. */
  modules: string;
}

/** @param directory Holds the one package; it is unpacked beside it. */
export async function unpackKernel(directory: string, initBinary: string, signal?: AbortSignal): Promise<GuestKernel> {
  const packageFile = (await readdir(directory)).find((name) => name.endsWith(".deb"));
  if (packageFile === undefined) throw missing("the package of the kernel");
  const root = join(directory, "unpacked");
  await runCommand(["dpkg-deb", "-x", join(directory, packageFile), root], { signal });
  // Since Debian 13 the package has them where they are in the end.
  if (!(await readdir(root)).includes("lib")) await symlink("usr/lib", join(root, "lib"));
  const [version] = await readdir(join(root, "lib/modules"));
  if (version === undefined) throw missing("the modules of the kernel");
  await runCommand(["depmod", "-b", root, version], { signal, env: { PATH: ADMINISTRATORS_PATH } });
  return {
    kernel: await elfOf(await readFile(join(root, "boot", `vmlinuz-${version}`)), signal),
    initramfs: await buildInitramfs(join(root, "lib/modules", version), initBinary, signal),
    version,
    package: packageOf(packageFile),
    modules: join(root, "lib/modules", version),
  };
}

/** Of its file name, in which a colon is written as %3a. */
function packageOf(file: string): InstalledPackage {
  const [name = "", version = "unknown"] = file.split("_");
  return { name, version: decodeURIComponent(version) };
}

async function elfOf(bzImage: Buffer, signal: AbortSignal | undefined): Promise<Buffer> {
  const kernel = await decompress(payloadOf(bzImage), signal);
  if (kernel.subarray(0, ELF.length).equals(ELF)) return kernel;
  const message = "the kernel of this release is packed in a way that is not known here; xz and zstd are";
  throw new ImageError("image-build-failed", message, { blame: "host" });
}

/** What is not compressed is given back as it is. */
async function decompress(data: Buffer, signal: AbortSignal | undefined): Promise<Buffer> {
  const command = decompressorOf(data);
  if (command === undefined) return data;
  const chunks: Buffer[] = [];
  for await (const chunk of filter(command, Readable.from([data]), { signal })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function buildInitramfs(modules: string, initBinary: string, signal?: AbortSignal): Promise<Buffer> {
  const read = (name: string) => readFile(join(modules, name), "utf8");
  const [dependencies, aliases, builtin] = await Promise.all([
    read("modules.dep"),
    read("modules.alias"),
    read("modules.builtin"),
  ]);
  const map = buildDriverMap({ dependencies, aliases, builtin }, DRIVERS);
  if (map.missing.length > 0) throw missing(`drivers of the kernel: ${map.missing.join(", ")}`);
  const drivers: CpioEntry[] = await Promise.all(
    map.files.map(async (file) => ({
      name: fileInInitramfs(file).slice(1),
      mode: FILE,
      content: await decompress(await readFile(join(modules, file)), signal),
    })),
  );
  return buildCpio([
    ...["dev", "modules", "proc", "sys"].map((name) => ({ name, mode: FOLDER })),
    { name: "init", mode: PROGRAM, content: await readFile(initBinary) },
    { name: "modules.map", mode: FILE, content: Buffer.from(map.text) },
    ...drivers,
  ]);
}

function missing(what: string): ImageError {
  return new ImageError("image-build-failed", `${what} could not be had from the package sources`, { blame: "host" });
}
