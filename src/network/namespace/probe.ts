/**
 * Which mode the networks of machines have on this host. That its parts are there does not mean that a namespace can
 * be made: so one is, whole, and a program without rights enters it as QEMU will.
 */
import { access, constants } from "node:fs/promises";
import { join } from "node:path";
import { codeOf, messageOf, WorkerError } from "../../base/errors.ts";
import { ADMINISTRATORS_PATH, runCommand } from "../../host/command.ts";
import { IsolatedServices } from "../isolated-services.ts";
import { DEFAULT_LIMITS } from "../limits.ts";
import { obtainKeeper } from "./keeper-program.ts";
import { type NamespaceMeans, NamespaceNetwork } from "./namespace-network.ts";
import { mayMakeNamespaces } from "./privileges.ts";

export interface NetworkModeOptions {
  requested: "auto" | "user" | "namespace";
  /** For the keeper; absolute, made if it is not there. */
  cacheDirectory: string;
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
async function tryOut({ cacheDirectory, tunDevice = TUN_DEVICE }: NetworkModeOptions): Promise<NamespaceMeans> {
  await requireDevice(tunDevice);
  for (const [name, debianPackage] of PROGRAMS) await requireProgram(name, debianPackage);
  const program = await obtainKeeper(cacheDirectory);
  const means = { program, userNamespace: !(await mayMakeNamespaces()) };
  await using services = IsolatedServices.open();
  const card = { mac: PROBE_MAC, mtu: PROBE_MTU };
  await using network = await NamespaceNetwork.open({ ...card, services, limits: DEFAULT_LIMITS, means });
  const attach = [...network.enter, "sh", "-c", `exec 3<>${TUN_DEVICE}`] as const;
  await runCommand([...attach], { timeoutMs: ENTER_TIMEOUT_MS, env: { PATH: ADMINISTRATORS_PATH } });
  return means;
}

async function requireDevice(path: string): Promise<void> {
  try {
    await access(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    if (codeOf(error) === "ENOENT") throw new Error(`there is no ${path}; type "modprobe tun" as root`);
    throw new Error(`${path} may not be opened by this user; as root, type "chmod 666 ${path}"`);
  }
}

async function requireProgram(name: string, debianPackage: string): Promise<void> {
  const places = ADMINISTRATORS_PATH.split(":").map((directory) => access(join(directory, name), constants.X_OK));
  await Promise.any(places).catch(() => {
    throw new Error(`${name} is not installed (Debian: ${debianPackage})`);
  });
}
