/**
 * `from: debian`: a system of Debian packages, as files and then as a disk. No machine is started.
 *
 * *Owns* its folders, whose files may be of users that only the namespace may remove: the scope does it there.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Scope } from "../../base/scope.ts";
import type { MachineBoot } from "../../generated/machine.ts";
import { runCommand } from "../../host/command.ts";
import { ignoreMissing } from "../../host/durable-file.ts";
import type { BuildContext } from "../build-context.ts";
import type { InstalledPackage, MutableImage } from "../mutable-image.ts";
import type { ParsedRecipe } from "../recipe.ts";
import { type Accounts, addUsers, DEFAULT_USER, homeOf, ownerOf } from "./accounts.ts";
import { makeBootDisk } from "./boot-disk.ts";
import { makeDebianRoot, releaseOf } from "./debian-root.ts";
import { addGuestFiles } from "./guest-files.ts";
import { type GuestKernel, unpackKernel } from "./kernel.ts";
import { addKernelModules } from "./kernel-modules.ts";
import { openNamespace, removeTree, type Starter } from "./namespace.ts";
import { PackageCache } from "./package-cache.ts";
import { installedPackages } from "./packages.ts";
import { makeRootDisk } from "./root-disk.ts";
import { RootEdits } from "./root-edits.ts";
import { tidyRoot } from "./tidy-root.ts";

const KERNEL_PACKAGE = "linux-image-amd64";
const MIB = 1_048_576;
const DISK_MIB = 4_096;

/**
 * Kernel messages go to the screen and the serial console; under an emulated CPU each line costs milliseconds, so only
 * errors and worse do. A panic stops the machine for the host to see.
 */
const CMDLINE = "console=tty0 console=ttyS0 loglevel=4 random.trust_cpu=on no_timer_check panic=0 rdinit=/init";

/** What systemd needs to be one. */
const SYSTEMD_PACKAGES = ["systemd-sysv", "udev", "dbus", "kmod"];

/** What is not in the recipe, by how the image boots. */
const ADDED_PACKAGES: Readonly<Record<ParsedRecipe["boot"], readonly string[]>> = {
  agent: [],
  systemd: SYSTEMD_PACKAGES,
  disk: [...SYSTEMD_PACKAGES, "initramfs-tools"],
};

/** All that decides what comes out, beside recipe and programs. */
export const DEBIAN_CONSTANTS = [1, KERNEL_PACKAGE, DISK_MIB, CMDLINE, ADDED_PACKAGES] as const;

export interface DebianImage extends MutableImage {
  /** When the newest of what it is made of was made, since 1970; nothing in it is newer. */
  readonly newestSeconds: number;
}

/** @throws {CommandError} of the tool that failed; {@link WorkerError} `build-not-permitted`; `signal.reason`. */
export async function buildDebian(
  recipe: ParsedRecipe,
  options: { release: string; uuid: string; epochSeconds: number | undefined; context: BuildContext; scope: Scope },
): Promise<DebianImage> {
  const { uuid, context, scope } = options;
  const { signal, report, directory } = context;
  const starter = await openNamespace(signal);
  const root = join(directory, "root");
  scope.defer(() => removeTree(root, starter));
  const kernelDirectory = join(directory, "kernel");
  const release = await releaseOf(options.release, signal);
  const cache = await PackageCache.open(join(context.config.stateDir, "cache", "packages"), release);

  report.stage("installing Debian packages");
  const ownKernel = recipe.boot === "disk" ? undefined : { directory: kernelDirectory, package: KERNEL_PACKAGE };
  await makeDebianRoot({
    ...{ directory: root, release, cache, starter, signal },
    packages: packagesOf(recipe),
    onLine: (line) => report.detail(line),
    ...(ownKernel === undefined ? {} : { kernel: ownKernel }),
  });
  const installed = installedPackages(await readFile(join(root, "var/lib/dpkg/status"), "utf8"));
  const kernel = ownKernel && (await unpackKernel(kernelDirectory, context.programs.initBinary, signal));
  const packages = kernel === undefined ? installed : [...installed, kernel.package];
  const newestSeconds = options.epochSeconds ?? (await cache.newestSeconds(packages));
  await cache.prune(packages);

  report.stage("making the system");
  if (kernel !== undefined && recipe.boot === "systemd") await addKernelModules(kernel.modules, root, signal);
  await editRoot(root, recipe, { context, starter });
  await tidyRoot(root, newestSeconds, { starter, signal });

  report.stage("making the disk");
  const file = join(directory, "disk.img");
  const sizeMiB = recipe.sizeBytes === undefined ? DISK_MIB : recipe.sizeBytes / MIB;
  if (recipe.boot === "disk") await bootDisk(root, file, { sizeMiB, uuid, starter, context });
  else await makeRootDisk({ root, file, sizeMiB, starter, signal });
  const boot = kernel && (await bootFiles(kernel, directory));
  return {
    directory,
    machine: { version: 2, uuid, ...hardware(recipe), ...boot?.machine },
    disk: { file, format: "raw" },
    ...boot?.files,
    packages: packages.map(({ name, version }): InstalledPackage => ({ name, version })),
    sources: [{ kind: "debian", name: release }],
    ...(recipe.agent ? { agent: await agentVersion(context.programs.agentBinary) } : {}),
    newestSeconds,
  };
}

/** A disk that boots by itself has a kernel in it: the one that the recipe names, or ours. */
function packagesOf({ boot, packages }: ParsedRecipe): string[] {
  const hasKernel = boot !== "disk" || packages.some((name) => name.startsWith("linux-image-"));
  return [...ADDED_PACKAGES[boot], ...(hasKernel ? [] : [KERNEL_PACKAGE]), ...packages];
}

/** The kernel knows this keyboard from its beginning; for one with USB drivers would have to be loaded at each boot. */
function hardware({ boot, machine }: ParsedRecipe): ParsedRecipe["machine"] {
  return boot === "agent" ? { keyboard: "PS/2", ...machine } : machine;
}

async function bootFiles(
  { kernel, initramfs }: GuestKernel,
  directory: string,
): Promise<{ machine: { boot: MachineBoot }; files: { kernel: string; initrd: string } }> {
  const files = { kernel: join(directory, "vmlinux"), initrd: join(directory, "initramfs") };
  await writeFile(files.kernel, kernel);
  await writeFile(files.initrd, initramfs);
  return { machine: { boot: { kernel: "kernel", initrd: "initrd", cmdline: CMDLINE } }, files };
}

async function editRoot(
  root: string,
  recipe: ParsedRecipe,
  { context, starter }: { context: BuildContext; starter: Starter },
): Promise<void> {
  const at = (name: string) => join(root, "etc", name);
  const read = async (name: string) => await readFile(at(name), "utf8");
  // Without the package that has passwords in its charge there is none yet.
  const shadow = (await read("shadow").catch(ignoreMissing)) ?? "";
  const before: Accounts = { passwd: await read("passwd"), group: await read("group"), shadow };
  const users = recipe.agent ? [DEFAULT_USER, ...recipe.users] : recipe.users;
  const accounts = addUsers(before, users, users.length - recipe.users.length);
  for (const [name, text] of Object.entries(accounts)) {
    await writeFile(at(name), text, { mode: name === "shadow" ? 0o640 : 0o644 });
  }

  const edits = new RootEdits();
  // A script that a machine runs once must not be run by that in which commands are.
  const firstBoot = recipe.commands.length === 0 ? recipe.firstBoot : [];
  addGuestFiles(edits, { boot: recipe.boot, agent: recipe.agent, firstBoot }, context.programs);
  for (const user of users) {
    const { uid, gid } = ownerOf(accounts, { user: user.name, group: user.name });
    edits.copy("/etc/skel", { path: homeOf(user), mode: 0o755, uid, gid });
    if (user.authorizedKeys.length === 0) continue;
    edits.directory({ path: `${homeOf(user)}/.ssh`, mode: 0o700, uid, gid });
    const keys = { path: `${homeOf(user)}/.ssh/authorized_keys`, mode: 0o600, uid, gid };
    edits.file(keys, user.authorizedKeys.map((key) => `${key}\n`).join(""));
  }
  for (const [index, { path, mode, content, ...owner }] of recipe.files.entries()) {
    const place = { path, mode, ...ownerOf(accounts, owner, `files[${index}].owner`) };
    edits.file(place, "text" in content ? content.text : content);
  }
  await edits.apply(root, starter, context.signal);
}

async function bootDisk(
  root: string,
  file: string,
  options: { sizeMiB: number; uuid: string; starter: Starter; context: BuildContext },
): Promise<void> {
  const { sizeMiB, uuid, starter, context } = options;
  const workDirectory = join(context.directory, "boot");
  await mkdir(workDirectory);
  const { signal, report } = context;
  const onLine = (line: string) => report.detail(line);
  await makeBootDisk({ root, file, sizeMiB, workDirectory, uuid, starter, signal, onLine });
}

async function agentVersion(agentBinary: string): Promise<string> {
  const { stdout } = await runCommand([agentBinary, "--version"]);
  return stdout.trim();
}
