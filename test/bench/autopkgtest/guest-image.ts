/** A guest for autopkgtest-virt-qemu: a Boxcar image made anew, with Python, the 9p file system and a shell for an agent. */
import { createHash } from "node:crypto";
import { access, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildCpio } from "../../../src/builder/debian/cpio.ts";
import { makeDebianRoot } from "../../../src/builder/debian/debian-root.ts";
import { buildDriverMap, fileInInitramfs } from "../../../src/builder/debian/driver-map.ts";
import { addGuestFiles } from "../../../src/builder/debian/guest-files.ts";
import { DRIVERS, unpackKernel } from "../../../src/builder/debian/kernel.ts";
import { makeRootDisk } from "../../../src/builder/debian/root-disk.ts";
import { RootEdits } from "../../../src/builder/debian/root-edits.ts";
import { guestProgramPath } from "../../../src/cli/guest-programs.ts";
import type { Image } from "../../../src/image/store/image.ts";

const MIB = 1_048_576;
const KERNEL_PACKAGE = "linux-image-amd64";
/** autopkgtest mounts a folder of the host, and its helper in the guest is a Python program. */
const ADDED_PACKAGES = ["mount", "python3-minimal"];
const ADDED_DRIVERS = ["9p", "9pnet_virtio"];
const ROOT_SHELL = join(import.meta.dirname, "root-shell.sh");

/**
 * Made once for each image, by root, and kept under the folder for temporary files.
 *
 * @returns Absolute path of a folder with `disk.img`, and `qemu.conf` with what QEMU is told about the machine.
 */
export async function obtainGuestImage(image: Image): Promise<string> {
  const inputs = [image.digest, KERNEL_PACKAGE, ADDED_PACKAGES, ADDED_DRIVERS, await readFile(ROOT_SHELL, "utf8")];
  const key = createHash("sha256").update(JSON.stringify(inputs)).digest("hex").slice(0, 12);
  const directory = join(tmpdir(), `boxcar-autopkgtest-${key}`);
  const isThere = await access(directory).then(
    () => true,
    () => false,
  );
  if (!isThere) await buildGuestImage(image, directory);
  return directory;
}

async function buildGuestImage(image: Image, directory: string): Promise<void> {
  const work = await mkdtemp(`${directory}-`);
  try {
    const at = (name: string) => join(work, name);
    const initBinary = guestProgramPath("boxcar-init");
    const packages = (image.provenance?.packages ?? []).map(({ name }) => name);
    await makeDebianRoot({
      directory: at("root"),
      kernel: { directory: at("kernel"), package: KERNEL_PACKAGE },
      packages: [...packages.filter((name) => !name.startsWith("linux-image-")), ...ADDED_PACKAGES],
    });
    const edits = new RootEdits();
    addGuestFiles(edits, { boot: "agent", agent: true, firstBoot: [] }, { agentBinary: ROOT_SHELL, initBinary });
    await edits.apply(at("root"), []);
    const kernel = await unpackKernel(at("kernel"), initBinary);
    await mkdir(at("guest"));
    await makeRootDisk({ root: at("root"), file: at("guest/disk.img"), sizeMiB: image.sizes.virtualBytes / MIB });
    await writeFile(at("guest/kernel"), kernel.kernel);
    // Linux unpacks one archive after the other; a later file takes the place of an earlier one.
    const added = await addedDrivers(at(`kernel/unpacked/lib/modules/${kernel.version}`));
    await writeFile(at("guest/initrd"), Buffer.concat([kernel.initramfs, added]));
    await writeFile(at("guest/qemu.conf"), machineConfig(directory, image.machine.boot?.cmdline ?? ""));
    await rename(at("guest"), directory);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function addedDrivers(modules: string): Promise<Buffer> {
  const [dependencies, aliases, builtin] = await Promise.all(
    ["modules.dep", "modules.alias", "modules.builtin"].map((name) => readFile(join(modules, name), "utf8")),
  );
  const map = buildDriverMap(
    { dependencies: dependencies ?? "", aliases: aliases ?? "", builtin: builtin ?? "" },
    { ...DRIVERS, always: [...DRIVERS.always, ...ADDED_DRIVERS] },
  );
  const mode = 0o100644;
  const drivers = map.files.map(async (file) => ({
    name: fileInInitramfs(file).slice(1),
    mode,
    content: await readFile(join(modules, file)),
  }));
  return buildCpio([{ name: "modules.map", mode, content: Buffer.from(map.text) }, ...(await Promise.all(drivers))]);
}

/** A file, because autopkgtest splits QEMU's options at spaces; it also takes back the KVM that autopkgtest asks for. */
function machineConfig(directory: string, cmdline: string): string {
  const boot = `kernel = "${directory}/kernel"\n  initrd = "${directory}/initrd"\n  append = "${cmdline}"`;
  return `[machine]\n  accel = "tcg"\n  ${boot}\n`;
}
