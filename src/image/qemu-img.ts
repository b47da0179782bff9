/**
 * What qemu-img does for images.
 *
 * What it reads may be hostile, so the format of a file is always told to it and never guessed, a file's own pointers
 * to others are not followed unless the caller knows who wrote them, and it runs with limits.
 */
import { open, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { CommandError } from "../host/command.ts";
import { type QemuImgLimits, runQemuImg } from "../host/qemu-img.ts";
import { createOverlay } from "../qcow2/create-overlay.ts";
import { watchDiskSpace } from "./disk-space.ts";
import { ImageError, type ImageErrorCode } from "./errors.ts";

export type DiskFormat = "raw" | "qcow2" | "vmdk" | "vdi";

export interface QemuImgOptions {
  signal?: AbortSignal | undefined;
  /** Time on the clock; default one hour. */
  timeoutMs?: number;
}

export interface DiskFile {
  file: string;
  format: DiskFormat;
}

export interface WriteOptions extends QemuImgOptions {
  /** The largest apparent size of what is written. */
  maxBytes: number;
  /** Free space that is left on the target's disk; default 512 MiB. */
  reserveBytes?: number;
}

const MIB = 1_024 ** 2;
const CHECK_CPU_SECONDS = 120;
const CHECK_TIMEOUT_MS = 600_000;
const MAX_MAP_BYTES = 16 * MIB;
const RESERVE_BYTES = 512 * MIB;
/** Of 64 KiB for each 64 KiB of a qcow2 file, a small part is tables. */
const QCOW2_OVERHEAD = 1 / 64;

/** What qemu-img says where the kernel refused it something. */
const LIMIT_REACHED = /Cannot allocate memory|File too large/;

/** Exit codes of `qemu-img check`. */
const CHECK_CORRUPT = 2;
const CHECK_LEAKS = 3;

/**
 * Writes all that `source` holds to `target`, sparse where it is zero. What was at `target` is lost; if this fails,
 * nothing is there.
 *
 * @param options.chain Whether the source's backing files are read too: only for files whose header we wrote.
 * @throws {@link ImageError} `disk-corrupt`, `disk-limits`, `disk-space-low`.
 */
export async function convert(
  source: string,
  target: string,
  { from, to, chain = false, ...options }: WriteOptions & { from: DiskFormat; to: "raw" | "qcow2"; chain?: boolean },
): Promise<void> {
  await writing(target, options, async (limits) => {
    await (await open(target, "w", 0o600)).close();
    const input = describeFile({ file: source, format: from }, chain);
    await run(["convert", "-q", "-O", to, input, resolve(target)], limits);
  });
}

/**
 * Writes to `target` what the disk `source` has other than the disk `base`, as a qcow2 file that says `backing` is what
 * it lies on. Both are read with all that they lie on, so their headers must be known to be ours or judged.
 */
export async function makeLayer(
  source: DiskFile,
  target: string,
  { base, backing, ...options }: WriteOptions & { base: DiskFile; backing: string },
): Promise<void> {
  const { virtualBytes } = await info(source, { ...options, chain: true });
  await rm(target, { force: true });
  await writing(target, options, async (limits) => {
    // An empty layer on the source that is moved to the base takes in all in which these differ.
    await createOverlay(target, {
      virtualBytes,
      backingFile: resolve(source.file),
      backingFormat: overlaid(source.format),
    });
    const onBase = ["-F", overlaid(base.format), "-b", resolve(base.file)];
    await run(["rebase", "-q", "-t", "writeback", "-f", "qcow2", ...onBase, resolve(target)], limits);
    await rebaseUnsafe(target, { backing, backingFormat: overlaid(base.format) }, limits);
  });
}

/** Changes what a qcow2 file says it lies on, and nothing else; no other file is opened. */
export async function rebaseUnsafe(
  file: string,
  { backing, backingFormat }: { backing: string; backingFormat: "raw" | "qcow2" },
  options: QemuImgOptions = {},
): Promise<void> {
  await run(["rebase", "-q", "-u", "-f", "qcow2", "-F", backingFormat, "-b", backing, resolve(file)], options);
}

export interface CheckResult {
  /** Clusters nobody uses: they cost room and harm nobody. */
  hasLeaks: boolean;
}

/**
 * Whether the tables of a qcow2 file agree with each other; what it lies on is not opened.
 *
 * @throws {@link ImageError} `disk-corrupt`, `disk-limits`.
 */
export async function check(file: string, options: QemuImgOptions = {}): Promise<CheckResult> {
  return await checkAs(file, CODES, options);
}

/** {@link check} for the layer of an image, with the codes that layers have. */
export async function checkLayer(file: string, options: QemuImgOptions = {}): Promise<void> {
  await checkAs(file, { corrupt: "layer-corrupt", limits: "layer-limits", name: "layer.qcow2" }, options);
}

export interface DiskInfo {
  virtualBytes: number;
  /** What it takes on the host's disk. */
  actualBytes: number;
  backingFile: string | undefined;
}

/** @param options.chain As for {@link convert}. */
export async function info(
  disk: DiskFile,
  { chain = false, ...options }: QemuImgOptions & { chain?: boolean } = {},
): Promise<DiskInfo> {
  const { stdout } = await run(["info", "--output=json", describeFile(disk, chain)], options);
  const facts = JSON.parse(stdout) as Readonly<Record<string, unknown>>;
  const { "virtual-size": virtualBytes, "actual-size": actualBytes, "backing-filename": backingFile } = facts;
  if (typeof virtualBytes !== "number" || typeof actualBytes !== "number") {
    throw new Error("qemu-img info did not say how large the disk is");
  }
  return { virtualBytes, actualBytes, backingFile: typeof backingFile === "string" ? backingFile : undefined };
}

/**
 * Where a raw file has data, as its file system tells; the rest are holes. Undefined where that cannot be told, or is
 * more than is worth to know.
 */
export async function tryMapData(
  file: string,
  options: QemuImgOptions = {},
): Promise<{ offset: number; bytes: number }[] | undefined> {
  try {
    const disk = describeFile({ file, format: "raw" }, false);
    const { stdout } = await runQemuImg(["map", "-U", "--output=json", disk], {
      maxOutputBytes: MAX_MAP_BYTES,
      ...options,
    });
    const extents = JSON.parse(stdout) as { start: number; length: number; data: boolean; zero: boolean }[];
    return extents
      .filter(({ data, zero }) => data && !zero)
      .map(({ start: offset, length: bytes }) => ({ offset, bytes }));
  } catch {
    options.signal?.throwIfAborted();
    return undefined;
  }
}

/** As QEMU's block layer wants it: nothing in the name can be taken for a protocol or an option. */
function describeFile({ file, format }: DiskFile, chain: boolean): string {
  const node = { driver: format, file: { driver: "file", filename: resolve(file) } };
  const hasBacking = format === "qcow2" || format === "vmdk";
  return `json:${JSON.stringify(hasBacking && !chain ? { ...node, backing: null } : node)}`;
}

function overlaid(format: DiskFormat): "raw" | "qcow2" {
  if (format === "raw" || format === "qcow2") return format;
  throw new Error(`no layer is made on a ${format} file`);
}

interface Codes {
  corrupt: ImageErrorCode;
  limits: ImageErrorCode;
  /** How the file is called. */
  name: string;
}

const CODES: Codes = { corrupt: "disk-corrupt", limits: "disk-limits", name: "the disk" };

async function checkAs(file: string, codes: Codes, options: QemuImgOptions): Promise<CheckResult> {
  const limits = { timeoutMs: CHECK_TIMEOUT_MS, cpuSeconds: CHECK_CPU_SECONDS, ...options };
  try {
    await runQemuImg(["check", "-q", describeFile({ file, format: "qcow2" }, false)], limits);
    return { hasLeaks: false };
  } catch (error) {
    if (error instanceof CommandError && error.exitCode === CHECK_LEAKS) return { hasLeaks: true };
    throw refusalOf(error, codes, error instanceof CommandError && error.exitCode === CHECK_CORRUPT);
  }
}

async function run(args: readonly string[], limits: QemuImgLimits): Promise<{ stdout: string }> {
  try {
    return await runQemuImg(args, limits);
  } catch (error) {
    throw refusalOf(error, CODES, false);
  }
}

/** Runs `work`, which writes `target`, while the disk has room; then the disk has it. */
async function writing(
  target: string,
  { maxBytes, reserveBytes = RESERVE_BYTES, signal, ...options }: WriteOptions,
  work: (limits: QemuImgLimits) => Promise<void>,
): Promise<void> {
  const fileSizeBytes = Math.ceil(maxBytes * (1 + QCOW2_OVERHEAD)) + 64 * MIB;
  try {
    await using room = await watchDiskSpace(dirname(target), reserveBytes, signal);
    await work({ ...options, fileSizeBytes, signal: room.signal });
    await using file = await open(target, "r+");
    await file.sync();
  } catch (error) {
    await rm(target, { force: true });
    throw error;
  }
}

/** What the failure of qemu-img says about the file it was given. */
function refusalOf(error: unknown, { corrupt, limits, name }: Codes, isVerdict: boolean): unknown {
  if (!(error instanceof CommandError) || error.code === "command-not-found") return error;
  const line = (isVerdict ? /^ERROR.*$/m.exec(error.stderr)?.[0] : undefined) ?? lastLine(error.stderr);
  if (/No space left on device/.test(error.stderr)) {
    return new ImageError("disk-space-low", `qemu-img found no room: ${line}`, { blame: "host", cause: error });
  }
  if (error.code === "command-timed-out" || error.exitCode === undefined || LIMIT_REACHED.test(line)) {
    return new ImageError(limits, `${name} takes more time, memory or room to read than is allowed: ${error.message}`, {
      cause: error,
    });
  }
  return new ImageError(corrupt, `${name} is corrupt: ${line}`, { cause: error });
}

/** Without the name of the file, which the reader may not know. */
function lastLine(text: string): string {
  const line = text.trim().split("\n").at(-1) ?? "";
  return line.replace(/^qemu-img: (?:Could not open '.*': )?/, "").slice(0, 500);
}
