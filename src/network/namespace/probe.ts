/**
 * Which mode the networks of machines have on this host. That its parts are there does not mean that a namespace can
 * be made: so one is, whole, and a program without rights enters it as QEMU will. That it could be made is kept until
 * the host boots again or something it takes changes; that it could not is asked again each time.
 */
import { access, constants, readlink } from "node:fs/promises";
import { join } from "node:path";
import { codeOf, messageOf, WorkerError } from "../../base/errors.ts";
import { readCache, writeCache } from "../../host/cache-file.ts";
import { ADMINISTRATORS_PATH, runCommand } from "../../host/command.ts";
import { currentOwner } from "../../host/owner.ts";
import { stampOf } from "../../host/program.ts";
import { openIsolatedServices } from "../isolated-services.ts";
import { DEFAULT_LIMITS } from "../limits.ts";
import { obtainKeeper } from "./keeper-program.ts";
import { type NamespaceMeans, NamespaceNetwork } from "./namespace-network.ts";
import { mayMakeNamespaces } from "./privileges.ts";

export interface NetworkModeOptions {
  requested: "auto" | "user" | "namespace";
  /** For the keeper and the answer; absolute, made if it is not there. */
  cacheDirectory: string;
  /** Whether to try it out though it has worked before. */
  anew?: boolean;
  /** Default /dev/net/tun. */
  tunDevice?: string;
}

export type NetworkModeAnswer =
  /** `why`: the reason if it was not asked for, as part of a sentence. */
  | { readonly mode: "user"; readonly why: string | undefined }
  | { readonly mode: "namespace"; readonly means: NamespaceMeans };

const TUN_DEVICE = "/dev/net/tun";
const PROGRAMS: readonly (readonly [name: string, debianPackage: string])[] = [
  ["nft", "nftables"],
  ["ip", "iproute2"],
  ["tc", "iproute2"],
  ["unshare", "util-linux"],
  ["nsenter", "util-linux"],
  ["setpriv", "util-linux"],
];
const PROBE_MAC = "52:54:00:00:00:01";
const PROBE_MTU = 1_500;
const ENTER_TIMEOUT_MS = 10_000;

/** @throws {WorkerError} `network-mode-unusable`: namespaces were asked for and cannot be had. */
export async function probeNetworkMode(options: NetworkModeOptions): Promise<NetworkModeAnswer> {
  if (options.requested === "user") return { mode: "user", why: undefined };
  try {
    return { mode: "namespace", means: await tryOut(options) };
  } catch (error) {
    const why = messageOf(error).split("\n").join(" ");
    if (options.requested === "auto") return { mode: "user", why };
    throw new WorkerError(`machines cannot have network namespaces here: ${why}; or set network.mode to auto or user`, {
      code: "network-mode-unusable",
      blame: "host",
      cause: error,
    });
  }
}

/** @throws whatever is wrong. */
async function tryOut({ cacheDirectory, tunDevice = TUN_DEVICE, anew }: NetworkModeOptions): Promise<NamespaceMeans> {
  await requireDevice(tunDevice);
  const programs = await Promise.all(PROGRAMS.map((program) => requireProgram(...program)));
  const program = await obtainKeeper(cacheDirectory);
  const means = { program, userNamespace: !(await mayMakeNamespaces()) };
  const file = join(cacheDirectory, "network-mode.json");
  const key = await cacheKey(means, [tunDevice, ...programs]);
  if (!anew && (await readCache<Cache>(file))?.key === key) return means;
  await makeOne(means);
  await writeCache(file, { key } satisfies Cache);
  return means;
}

async function makeOne(means: NamespaceMeans): Promise<void> {
  await using services = await openIsolatedServices();
  const card = { mac: PROBE_MAC, mtu: PROBE_MTU };
  await using network = await NamespaceNetwork.open({ ...card, services, limits: DEFAULT_LIMITS, means });
  const attach = [...network.enter, "sh", "-c", `exec 3<>${TUN_DEVICE}`] as const;
  await runCommand([...attach], { timeoutMs: ENTER_TIMEOUT_MS, env: { PATH: ADMINISTRATORS_PATH } });
}

interface Cache {
  key: string;
}

/** Another container on the same host may not do what this one may. */
async function cacheKey({ program, userNamespace }: NamespaceMeans, files: readonly string[]): Promise<string> {
  const [{ bootId }, surroundings, stamps] = await Promise.all([
    currentOwner(),
    readlink("/proc/self/ns/user"),
    Promise.all(files.map(stampOf)),
  ]);
  return [bootId, surroundings, process.getuid?.(), userNamespace, program, ...stamps].join(" ");
}

async function requireDevice(path: string): Promise<void> {
  try {
    await access(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    if (codeOf(error) === "ENOENT") throw new Error(`there is no ${path}; type "modprobe tun" as root`);
    throw new Error(`${path} may not be opened by this user; as root, type "chmod 666 ${path}"`);
  }
}

/** Resolves with its path. */
async function requireProgram(name: string, debianPackage: string): Promise<string> {
  const places = ADMINISTRATORS_PATH.split(":").map((directory) => join(directory, name));
  const found = places.map((path) => access(path, constants.X_OK).then(() => path));
  return await Promise.any(found).catch(() => {
    throw new Error(`${name} is not installed (Debian: ${debianPackage})`);
  });
}
