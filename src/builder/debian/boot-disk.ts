/**
 * A folder as a disk that boots by itself: a GPT with GRUB for BIOS and for UEFI, and an ext4 root.
 *
 * Nothing is mounted and no loop device is used, so whoever may read the files of the root can make one. The disk is
 * laid out as those of Debian's own cloud images: the root is partition 1, behind the two that firmware needs, so that
 * it can grow to the end of a larger disk.
 *
 * @see GRUB boot.S, diskboot.S: where the boot sector and the first sector of the core say what to load
 */
import { copyFile, mkdir, open, readFile, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { InvalidInputError } from "../../base/errors.ts";
import { ADMINISTRATORS_PATH, type CommandOptions, runCommand } from "../../host/command.ts";
import {
  bootConfig,
  type DiskIdentity,
  fileSystemTable,
  layoutOf,
  partitionTable,
  SECTOR,
} from "./boot-disk-layout.ts";
import { embedCore } from "./boot-sector.ts";
import type { Starter } from "./namespace.ts";
import { forgetTimes } from "./root-disk.ts";

export interface BootDiskOptions extends Pick<CommandOptions, "signal" | "onLine"> {
  /** Absolute path of the files. It must have a kernel and an initial RAM disk that /vmlinuz and /initrd.img lead to. */
  root: string;
  /** Absolute path of the new disk: raw and sparse. */
  file: string;
  sizeMiB: number;
  /** Where the owners of the files are what they are to be; default here. */
  starter?: Starter;
  /** Absolute path of an empty folder, for what is made on the way. */
  workDirectory: string;
  /** What makes the disk distinguishable; the same gives the same disk. An RFC 4122 UUID. */
  uuid: string;
  /** Label of the root's file system; default "cloudroot". At most 16 characters. */
  label?: string;
  /** Of the kernel, after `root=`; default {@link DEFAULT_CMDLINE}. */
  cmdline?: string;
}

/** The last console is the one that programs write to. */
export const DEFAULT_CMDLINE = "ro console=tty0 console=ttyS0,115200";

const GRUB = "/usr/lib/grub";
/** All of GRUB that is needed is in its core, so that the root holds only its configuration. */
const MODULES = ["part_gpt", "ext2", "normal", "configfile", "linux", "search_label", "echo", "minicmd", "test"];
const LABEL = "cloudroot";
const MIB = 1_048_576;
/** What the partitions before the root take, and a root that has anything in it. */
const LEAST_MIB = 256;

/**
 * Writes /etc/fstab and /boot/grub/grub.cfg into `root`, then makes the disk of it.
 *
 * @throws {CommandError} of the tool that failed; {@link InvalidInputError} for a disk that is too small;
 *   `signal.reason`. A part of `file` may be left then.
 */
export async function makeBootDisk(options: BootDiskOptions): Promise<void> {
  const { root, file, sizeMiB, uuid, label = LABEL, cmdline = DEFAULT_CMDLINE } = options;
  if (sizeMiB < LEAST_MIB) {
    throw new InvalidInputError(
      "The recipe",
      [{ path: "sizeGiB", message: `needs at least ${LEAST_MIB} MiB` }],
      "task",
    );
  }
  const identity: DiskIdentity = { uuid, label };
  await addBootFiles(root, identity, cmdline);
  await writeFile(file, "", { flag: "wx" });
  await truncate(file, sizeMiB * MIB);
  const layout = layoutOf(sizeMiB * MIB);
  const run = (command: readonly [string, ...string[]], input?: string, env: Record<string, string> = {}) =>
    runCommand(command, {
      starter: options.starter ?? [],
      signal: options.signal,
      env: { PATH: ADMINISTRATORS_PATH, ...env },
      ...(options.onLine === undefined ? {} : { onLine: options.onLine }),
      ...(input === undefined ? {} : { input }),
    });
  await run(["sfdisk", "--quiet", "--no-reread", "--no-tell-kernel", file], partitionTable(layout, identity));
  await makeRoot(run, layout.root, options, identity);
  await forgetTimes(`${file}?offset=${layout.root.offsetBytes}`, options.signal);
  await addBios(run, layout.bios, options);
  await addEfi(run, layout.efi, options);
}

type Run = (
  command: readonly [string, ...string[]],
  input?: string,
  env?: Record<string, string>,
) => Promise<{ stdout: string }>;

interface Extent {
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

/** With the time of the root itself, so that they are the same each time. */
async function addBootFiles(root: string, identity: DiskIdentity, cmdline: string): Promise<void> {
  const { mtime } = await stat(root);
  await mkdir(join(root, "boot/grub"), { recursive: true });
  await writeFile(join(root, "etc/fstab"), fileSystemTable(identity));
  await writeFile(join(root, "boot/grub/grub.cfg"), bootConfig(identity, cmdline));
  for (const name of ["etc/fstab", "etc", "boot/grub/grub.cfg", "boot/grub", "boot"]) {
    await utimes(join(root, name), mtime, mtime);
  }
}

async function makeRoot(run: Run, at: Extent, { root, file }: BootDiskOptions, identity: DiskIdentity): Promise<void> {
  const extended = [
    ...[`offset=${at.offsetBytes}`, `hash_seed=${identity.uuid}`],
    ...["lazy_itable_init=1", "nodiscard", "root_owner=0:0"],
  ];
  await run(
    [
      "mke2fs",
      ...["-q", "-F", "-t", "ext4", "-b", "4096", "-L", identity.label, "-U", identity.uuid, "-m", "0"],
      // The disk of a task is thrown away with it: a journal would cost writes and protect nothing.
      ...["-O", "^has_journal", "-E", extended.join(","), "-d", root, file, `${at.sizeBytes / 1_024}k`],
    ],
    undefined,
    { E2FSPROGS_FAKE_TIME: "1" },
  );
}

async function makeCore(
  run: Run,
  target: string,
  drivers: readonly string[],
  options: BootDiskOptions,
): Promise<string> {
  const core = join(options.workDirectory, target);
  // Where it was started from is known to it; the root is beside that.
  const prefix = "(,gpt1)/boot/grub";
  await run(["grub-mkimage", "-O", target, "-o", core, "-p", prefix, ...drivers, ...MODULES]);
  return core;
}

/** The boot sector loads the first sector of the core, which has a partition of its own, and that one the rest. */
async function addBios(run: Run, at: Extent, options: BootDiskOptions): Promise<void> {
  const target = "i386-pc";
  const core = await readFile(await makeCore(run, target, ["biosdisk"], options));
  await using disk = await open(options.file, "r+");
  const sector = Buffer.alloc(SECTOR);
  await disk.read(sector, 0, SECTOR, 0);
  const bootImage = await readFile(join(GRUB, target, "boot.img"));
  const { bootSector, placed } = embedCore({ sector, bootImage, core, ...at });
  await disk.write(bootSector, 0, SECTOR, 0);
  await disk.write(placed, 0, placed.length, at.offsetBytes);
}

async function addEfi(run: Run, at: Extent, options: BootDiskOptions): Promise<void> {
  const core = await makeCore(run, "x86_64-efi", ["fat", "efi_gop", "all_video"], options);
  const program = join(options.workDirectory, "BOOTX64.EFI");
  await copyFile(core, program);
  const image = `${options.file}@@${at.offsetBytes}`;
  const serial = options.uuid.replaceAll("-", "").slice(0, 8);
  // Sizes are in sectors; what is written has the time it is told.
  const env = { MTOOLS_SKIP_CHECK: "1", SOURCE_DATE_EPOCH: "1", TZ: "UTC" };
  await run(
    ["mformat", "-i", image, "-T", `${at.sizeBytes / SECTOR}`, "-h", "64", "-s", "32", "-N", serial, "-v", "EFI"],
    undefined,
    env,
  );
  await run(["mmd", "-i", image, "::/EFI", "::/EFI/BOOT"], undefined, env);
  await run(["mcopy", "-i", image, program, "::/EFI/BOOT/BOOTX64.EFI"], undefined, env);
}
