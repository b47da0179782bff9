/** Kernel and initramfs of the guest, out of the kernel's Debian package. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "../../host/command.ts";
import { ImageError } from "../errors.ts";
import { buildCpio, type CpioEntry } from "./cpio.ts";
import { buildDriverMap, fileInInitramfs } from "./driver-map.ts";

/**
 * Drivers for the hardware of every machine that can be asked for, as far as the kernel has them: Debian's kernel for
 * clouds has none for AHCI (`ide-hd` on q35), e1000, e1000e and rtl8139.
 */
const DRIVERS = [
  ...["virtio_pci", "virtio_blk", "virtio_net", "virtio_scsi", "virtio_console", "virtio_rng", "virtio_balloon"],
  ...["nvme", "ahci", "ata_piix", "ata_generic", "sd_mod", "e1000", "e1000e", "8139cp", "8139too"],
  ...["pvpanic_mmio", "pvpanic_pci", "button"],
];

const FOLDER = 0o040755;
const PROGRAM = 0o100755;
const FILE = 0o100644;

export interface GuestKernel {
  /** Absolute path of the kernel. */
  kernelFile: string;
  initramfs: Buffer;
  /** As in the name of its package. */
  version: string;
  /** File name of its package. */
  packageFile: string;
}

/** @param directory Holds the one package; it is unpacked beside it. */
export async function unpackKernel(directory: string, initBinary: string, signal?: AbortSignal): Promise<GuestKernel> {
  const packageFile = (await readdir(directory)).find((name) => name.endsWith(".deb"));
  if (packageFile === undefined) throw missing("the package of the kernel");
  const root = join(directory, "unpacked");
  await runCommand(["dpkg-deb", "-x", join(directory, packageFile), root], { signal });
  const [version] = await readdir(join(root, "lib/modules"));
  if (version === undefined) throw missing("the modules of the kernel");
  await runCommand(["depmod", "-b", root, version], { signal });
  return {
    kernelFile: join(root, "boot", `vmlinuz-${version}`),
    initramfs: await buildInitramfs(join(root, "lib/modules", version), initBinary),
    version,
    packageFile,
  };
}

async function buildInitramfs(modules: string, initBinary: string): Promise<Buffer> {
  const read = (name: string) => readFile(join(modules, name), "utf8");
  const map = buildDriverMap(await read("modules.dep"), await read("modules.alias"), DRIVERS);
  const drivers: CpioEntry[] = await Promise.all(
    map.files.map(async (file) => ({
      name: fileInInitramfs(file).slice(1),
      mode: FILE,
      content: await readFile(join(modules, file)),
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
