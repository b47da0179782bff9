/** Images that lie on each other, for tests: each writes its own pattern to its own slot of the disk. */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ArchiveFolder, MIB, sha256Of } from "./archives.ts";

export const DISK_BYTES = 16 * MIB;
/** Of the disk, from one slot to the next. */
const SLOT_BYTES = 0.75 * MIB;
export const FILLED_BYTES = 0.5 * MIB;

export interface ChainedArchive {
  readonly archive: string;
  readonly sha256: string;
  readonly digest: `sha256:${string}`;
  /** Folder of its files. */
  readonly directory: string;
}

export interface ChildOptions {
  /** The byte that fills the slot with the same number. */
  pattern: number;
  machine?: object;
  kernel?: string;
  virtualBytes?: number;
}

/** The lowest of a chain: its pattern is 1, and it has a kernel. */
export function makeRoot(folder: ArchiveFolder): ChainedArchive {
  const directory = folder.makeImage({ machine: { version: 2, memory: 256, boot: { kernel: "kernel" } } });
  writeFileSync(join(directory, "kernel"), "kernel of the root");
  fill(join(directory, "disk.img"), "raw", 1, 1);
  return packed(folder, directory, ["machine.json", "kernel", "disk.img"]);
}

/** @param parent Its archive need not be in any store. */
export function makeChild(folder: ArchiveFolder, parent: ChainedArchive, options: ChildOptions): ChainedArchive {
  const { pattern, machine = { version: 2, memory: 256, boot: { kernel: "kernel" } } } = options;
  const directory = join(folder.path, `child-${crypto.randomUUID()}`);
  mkdirSync(directory);
  const provenance = { name: `child-${pattern}`, parent: { digest: parent.digest, name: "the-parent" } };
  writeFileSync(join(directory, "image.json"), JSON.stringify(provenance));
  writeFileSync(join(directory, "machine.json"), JSON.stringify(machine));
  const layer = "layer.qcow2";
  folder.run(directory, ["qemu-img", "create", "-q", "-f", "qcow2", layer, String(options.virtualBytes ?? DISK_BYTES)]);
  fill(join(directory, layer), "qcow2", pattern, pattern);
  const [file, format] = parent.directory.includes("child-") ? [layer, "qcow2"] : ["disk.img", "raw"];
  folder.run(directory, ["qemu-img", "rebase", "-u", "-f", "qcow2", "-F", format, "-b", `parent/${file}`, layer]);
  if (options.kernel !== undefined) writeFileSync(join(directory, "kernel"), options.kernel);
  const kernel = options.kernel === undefined ? [] : ["kernel"];
  return packed(folder, directory, ["image.json", "machine.json", ...kernel, layer]);
}

export function makeChain(folder: ArchiveFolder, length: number): [ChainedArchive, ...ChainedArchive[]] {
  const chain: [ChainedArchive, ...ChainedArchive[]] = [makeRoot(folder)];
  while (chain.length < length) {
    chain.push(makeChild(folder, chain.at(-1) as ChainedArchive, { pattern: chain.length + 1 }));
  }
  return chain;
}

/** Fills a slot of a disk with one byte. */
export function fill(file: string, format: "raw" | "qcow2", slot: number, pattern: number): void {
  io(["-f", format, "-c", `write -P ${pattern} ${slot * SLOT_BYTES} ${FILLED_BYTES}`, file]);
}

/** Whether a slot of a disk is filled with one byte. */
export function holds(file: string, format: "raw" | "qcow2", slot: number, pattern: number): boolean {
  const { status, stdout } = io(["-f", format, "-c", `read -P ${pattern} ${slot * SLOT_BYTES} ${FILLED_BYTES}`, file]);
  if (status === 0) return true;
  if (stdout.includes("Pattern verification failed")) return false;
  throw new Error(`qemu-io could not read ${file}: ${stdout}`);
}

function io(args: readonly string[]): { status: number | null; stdout: string } {
  return spawnSync("qemu-io", args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
}

function packed(folder: ArchiveFolder, directory: string, files: readonly string[]): ChainedArchive {
  const archive = folder.pack(directory, ["--format=posix", "-S", ...files]);
  const sha256 = sha256Of(archive);
  return { archive, sha256, digest: `sha256:${sha256}`, directory };
}
