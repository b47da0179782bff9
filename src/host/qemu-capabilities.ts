/**
 * What the installed QEMU can do, and the programs that work with it.
 *
 * Asked once, since each question starts QEMU; kept in this process and in a file until QEMU is replaced. Packages that
 * come or go later (keymaps, firmware, modules with devices) change nothing about QEMU itself: who is about to refuse
 * something asks anew first.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { readCache, writeCache } from "./cache-file.ts";
import { runCommand } from "./command.ts";
import { identifyProgram, isInstalled } from "./program.ts";
import {
  type FirmwareBuild,
  parseBoards,
  parseCpuFlags,
  parseCpuModels,
  parseDataDirectories,
  parseDevices,
  parseFirmwareDescriptor,
} from "./qemu-help.ts";

export interface QemuCapabilities {
  readonly boards: readonly string[];
  readonly devices: readonly string[];
  readonly cpuModels: readonly string[];
  /** All spellings that QEMU takes, but those with underscores for dashes. */
  readonly cpuFlags: readonly string[];
  readonly keymaps: readonly string[];
  /** Best first. */
  readonly firmware: readonly FirmwareBuild[];
  /** Whether {@link TPM_EMULATOR} is there. */
  readonly tpm: boolean;
}

export interface CapabilityOptions {
  qemuBinary: string;
  /** Absolute path, made if it is not there; undefined: kept in this process only. */
  cacheDirectory: string | undefined;
}

export const TPM_EMULATOR = "swtpm";

/** Changes when {@link QemuCapabilities} does. */
const FORMAT = 1;
const TIMEOUT_MS = 10_000;

const asked = new Map<string, Promise<QemuCapabilities>>();

/**
 * @param options.fresh Ask anew, whatever is known.
 * @throws {CommandError} There is no such QEMU, or it does not answer.
 */
export async function findCapabilities(options: CapabilityOptions & { fresh?: boolean }): Promise<QemuCapabilities> {
  const key = `${FORMAT} ${await identifyProgram(options.qemuBinary)}`;
  const known = options.fresh === true ? undefined : asked.get(key);
  if (known !== undefined) return await known;
  const answer = options.fresh === true ? ask(options, key) : recall(options, key);
  asked.set(key, answer);
  answer.catch(() => asked.delete(key));
  return await answer;
}

interface Cache {
  key: string;
  capabilities: QemuCapabilities;
}

async function recall(options: CapabilityOptions, key: string): Promise<QemuCapabilities> {
  const { cacheDirectory } = options;
  const cache = cacheDirectory === undefined ? undefined : await readCache<Cache>(cacheFile(cacheDirectory));
  if (cache?.key === key && cache.capabilities !== undefined) return cache.capabilities;
  return await ask(options, key);
}

async function ask({ qemuBinary, cacheDirectory }: CapabilityOptions, key: string): Promise<QemuCapabilities> {
  const help = async (...args: string[]) => (await runCommand([qemuBinary, ...args], { timeoutMs: TIMEOUT_MS })).stdout;
  const [boards, devices, cpus, flags, directories, tpm] = await Promise.all([
    help("-machine", "help"),
    help("-device", "help"),
    help("-cpu", "help"),
    help("-device", "max-x86_64-cpu,help"),
    help("-L", "help"),
    isInstalled(TPM_EMULATOR),
  ]);
  const data = parseDataDirectories(directories);
  const capabilities = {
    boards: parseBoards(boards),
    devices: parseDevices(devices),
    cpuModels: parseCpuModels(cpus),
    cpuFlags: parseCpuFlags(flags),
    keymaps: (await listAll(data, "keymaps")).map(({ name }) => name),
    firmware: await findFirmware(data),
    tpm,
  };
  // A folder that cannot be written costs time, not a task.
  if (cacheDirectory !== undefined) await writeCache(cacheFile(cacheDirectory), { key, capabilities }).catch(() => {});
  return capabilities;
}

function cacheFile(cacheDirectory: string): string {
  return join(cacheDirectory, "qemu.json");
}

/** Packages number the descriptions of their firmware: the lower, the better. */
async function findFirmware(data: readonly string[]): Promise<FirmwareBuild[]> {
  const files = (await listAll(data, "firmware")).filter(({ name }) => name.endsWith(".json"));
  const builds = await Promise.all(
    files.map(({ path }) =>
      readFile(path, "utf8")
        .then(parseFirmwareDescriptor)
        .catch(() => undefined),
    ),
  );
  return builds.filter((build) => build !== undefined);
}

/** What the folders of this name below `parents` hold, by name. */
async function listAll(parents: readonly string[], folder: string): Promise<{ name: string; path: string }[]> {
  const found = await Promise.all(
    parents.map(async (parent) => {
      const names = await readdir(join(parent, folder)).catch(() => []);
      return names.map((name) => ({ name, path: join(parent, folder, name) }));
    }),
  );
  return found.flat().sort((a, b) => (a.name < b.name ? -1 : 1));
}
