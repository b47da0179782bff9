/** Looks at the host: what Boxcar needs, and what makes it faster. */
import { access, constants, mkdir, statfs } from "node:fs/promises";
import { availableParallelism, freemem, totalmem } from "node:os";
import { join } from "node:path";
import { codeOf, messageOf } from "../../base/errors.ts";
import { formatBytes } from "../../base/units.ts";
import type { Config } from "../../config/config.ts";
import { probeAccelerator } from "../../host/accelerator.ts";
import { ADMINISTRATORS_PATH, runCommand } from "../../host/command.ts";
import { ImageStore } from "../../image/store/image-store.ts";
import { probeNetworkMode } from "../../network/namespace/probe.ts";
import { findInstallations, findServerUser } from "../../queue/embedded/installation.ts";
import { describeMode } from "../../sandbox/machine-networks.ts";
import { hostFolders } from "../../worker/task-host.ts";
import type { Check } from "./report.ts";

const MIN_DISK_BYTES = 4 * 1_024 ** 3;
const MIN_MEMORY_BYTES = 1_024 ** 3;

interface Program {
  /** Makes it tell its version. */
  command: [string, ...string[]];
  debianPackage: string;
  /** Instead of the user's own. */
  path?: string;
}

/** What building an image runs; tasks need none of it. */
const RECIPE_PROGRAMS: readonly Program[] = [
  { command: ["mmdebstrap", "--version"], debianPackage: "mmdebstrap" },
  { command: ["apt-config", "--version"], debianPackage: "apt" },
  { command: ["dpkg-deb", "--version"], debianPackage: "dpkg" },
  { command: ["xz", "--version"], debianPackage: "xz-utils" },
  { command: ["depmod", "--version"], debianPackage: "kmod", path: ADMINISTRATORS_PATH },
  { command: ["sfdisk", "--version"], debianPackage: "fdisk", path: ADMINISTRATORS_PATH },
  { command: ["mtools", "--version"], debianPackage: "mtools" },
  { command: ["grub-mkimage", "--version"], debianPackage: "grub-common grub-pc-bin grub-efi-amd64-bin" },
];

/** What machines with cloud-init on a disk need. */
const CLOUD_INIT_PROGRAMS: readonly Program[] = [
  { command: ["genisoimage", "--version"], debianPackage: "genisoimage" },
];

/** What caches of tasks run; building an image runs mke2fs too. */
const CACHE_PROGRAMS: readonly Program[] = [
  { command: ["qemu-img", "--version"], debianPackage: "qemu-utils" },
  { command: ["mke2fs", "-V"], debianPackage: "e2fsprogs", path: ADMINISTRATORS_PATH },
];

/** What networks of the mode namespace run. */
const NETWORK_PROGRAMS: readonly Program[] = [
  { command: ["nft", "--version"], debianPackage: "nftables", path: ADMINISTRATORS_PATH },
  { command: ["ip", "-Version"], debianPackage: "iproute2", path: ADMINISTRATORS_PATH },
  { command: ["tc", "-Version"], debianPackage: "iproute2", path: ADMINISTRATORS_PATH },
  { command: ["nsenter", "--version"], debianPackage: "util-linux", path: ADMINISTRATORS_PATH },
  { command: ["cc", "--version"], debianPackage: "gcc libc6-dev" },
];

/** What commands for machines that stay run here. */
const VM_PROGRAMS: readonly Program[] = [
  { command: ["rsync", "--version"], debianPackage: "rsync" },
  { command: ["ssh", "-V"], debianPackage: "openssh-client" },
];

const TO_INSTALL = "install it";
const TO_SYNC = 'only "boxcar vm sync" and "boxcar vm ssh" need it; for them';
const TO_HAVE = "network.mode user does without; for the mode namespace";

export async function checkHost(config: Config, signal: AbortSignal): Promise<Check[]> {
  return await Promise.all([
    program("fail", { command: [config.qemu.binary, "--version"], debianPackage: "qemu-system-x86" }, "qemu"),
    program("fail", { command: ["setpriv", "--version"], debianPackage: "util-linux" }),
    program("fail", { command: ["prlimit", "--version"], debianPackage: "util-linux" }),
    program("warn", { command: ["zstd", "--version"], debianPackage: "zstd" }),
    ...[...RECIPE_PROGRAMS, ...CACHE_PROGRAMS, ...CLOUD_INIT_PROGRAMS].map((needed) => program("warn", needed)),
    accelerator(config, signal),
    disk(config),
    memory(),
    userNamespaces(),
    tunDevice(),
    ...VM_PROGRAMS.map((needed) => program("warn", needed, needed.command[0], TO_SYNC)),
    ...NETWORK_PROGRAMS.map((needed) => program("warn", needed, needed.command[0], TO_HAVE)),
    network(config),
    image(config),
    queue(config),
  ]);
}

async function program(
  ifMissing: "warn" | "fail",
  { command, debianPackage, path }: Program,
  id = command[0],
  why = TO_INSTALL,
): Promise<Check> {
  try {
    const env = path === undefined ? {} : { env: { PATH: path } };
    const { stdout, stderr } = await runCommand(command, { timeoutMs: 10_000, ...env });
    return { id, status: "ok", detail: (stdout || stderr).split("\n")[0] ?? "" };
  } catch (error) {
    const remedy = `${why}: apt-get install ${debianPackage}`;
    return { id, status: ifMissing, detail: messageOf(error).split(";")[0] ?? "", remedy };
  }
}

async function accelerator({ accelerator: requested, qemu, stateDir }: Config, signal: AbortSignal): Promise<Check> {
  const id = "accelerator";
  const cacheDirectory = join(stateDir, "cache");
  try {
    const found = await probeAccelerator({ requested, qemuBinary: qemu.binary, cacheDirectory, signal });
    if (found.why === undefined) return { id, status: "ok", detail: `${found.accelerator} runs guests` };
    const remedy = "tasks run, several times slower; use a host, or a kind of virtual machine, with working KVM";
    return { id, status: "warn", detail: found.why, remedy };
  } catch (error) {
    signal.throwIfAborted();
    return { id, status: "fail", detail: messageOf(error), remedy: "see the check qemu, or set accelerator to auto" };
  }
}

async function disk({ stateDir }: Config): Promise<Check> {
  const id = "disk";
  try {
    await mkdir(stateDir, { recursive: true });
    await access(stateDir, constants.W_OK);
    const { bavail, bsize } = await statfs(stateDir);
    const detail = `${formatBytes(bavail * bsize)} free in ${stateDir}`;
    if (bavail * bsize >= MIN_DISK_BYTES) return { id, status: "ok", detail };
    return { id, status: "warn", detail, remedy: "make room, or set stateDir to a larger disk" };
  } catch (error) {
    return { id, status: "fail", detail: messageOf(error), remedy: "set stateDir to a folder this user may write to" };
  }
}

async function memory(): Promise<Check> {
  const detail = `${formatBytes(freemem())} free of ${formatBytes(totalmem())}, ${availableParallelism()} CPUs`;
  if (freemem() >= MIN_MEMORY_BYTES) return { id: "memory", status: "ok", detail };
  return { id: "memory", status: "warn", detail, remedy: "set machineOptions.maxMemory to less than is free" };
}

/** Either mode lets tasks reach the same. */
async function network(config: Config): Promise<Check> {
  const id = "network";
  try {
    const { networks: cacheDirectory } = hostFolders(config);
    const answer = await probeNetworkMode({ requested: config.network.mode, cacheDirectory, anew: true });
    const detail = `mode ${describeMode(answer)}`;
    if (answer.mode === "namespace" || answer.why === undefined) return { id, status: "ok", detail };
    const remedy = "tasks run all the same; for the mode namespace, which is faster, mend that";
    return { id, status: "warn", detail, remedy };
  } catch (error) {
    return { id, status: "fail", detail: messageOf(error), remedy: "mend that, or set network.mode to auto" };
  }
}

async function userNamespaces(): Promise<Check> {
  const id = "namespaces";
  try {
    await runCommand(["unshare", "-Urn", "true"], { timeoutMs: 10_000 });
    return { id, status: "ok", detail: "user and network namespaces can be made" };
  } catch (error) {
    const remedy = `${TO_HAVE}: sysctl kernel.unprivileged_userns_clone=1`;
    return { id, status: "warn", detail: messageOf(error), remedy };
  }
}

/** @param path Default: where it is; tests look elsewhere. */
export async function tunDevice(path = "/dev/net/tun"): Promise<Check> {
  const id = "tun";
  try {
    await access(path, constants.R_OK | constants.W_OK);
    return { id, status: "ok", detail: `${path} can be opened` };
  } catch (error) {
    const isThere = codeOf(error) !== "ENOENT";
    const detail = isThere ? `${path} may not be opened by this user` : `there is no ${path}`;
    return { id, status: "warn", detail, remedy: `${TO_HAVE}: ${isThere ? `chmod 666 ${path}` : "modprobe tun"}` };
  }
}

/** Without the queue that the configuration asks for a single task still runs. */
async function queue({ queue: { driver } }: Config): Promise<Check> {
  const id = "queue";
  if (driver !== "embedded") return { id, status: "ok", detail: `${driver}, which is not on this host` };
  try {
    await findServerUser(process.getuid?.() ?? 0, process.getgid?.() ?? 0);
    const [newest] = await findInstallations();
    return { id, status: "ok", detail: `embedded, on PostgreSQL ${newest?.majorVersion}` };
  } catch (error) {
    const [detail = "", remedy = "apt-get install postgresql-15"] = messageOf(error).split(/: (?=apt)|; (?=install)/);
    return { id, status: "warn", detail, remedy: `boxcar run does without; for a queue: ${remedy}` };
  }
}

async function image({ images }: Config): Promise<Check> {
  const id = "image";
  try {
    await using store = await ImageStore.open({ directory: images.directory });
    const found = await store.inspect(images.default);
    return { id, status: "ok", detail: `${images.default} is ${found.digest.slice(0, 19)}…` };
  } catch (error) {
    const remedy = "make one with boxcar image build debian-minimal, or set images.default to one you have";
    return { id, status: "warn", detail: messageOf(error), remedy };
  }
}
