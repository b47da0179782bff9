/**
 * What cloud-init in a machine is told, made when the machine is started: each has an identity of its own.
 *
 * A machine that goes on where a captured one was has read all of it already; what is its own then comes by the wake
 * line.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { WorkerError } from "../base/errors.ts";
import { DataSource } from "../guest/cloud-init/data-source.ts";
import { noCloudFiles } from "../guest/cloud-init/documents.ts";
import type { CloudInitFacts } from "../guest/cloud-init/facts.ts";
import type { GuestIdentity } from "../guest/wake.ts";
import { makeCdImage } from "../host/cd-image.ts";
import type { Cdrom } from "../vm/cdroms.ts";
import type { ResolvedMachine } from "../vm/limits.ts";

export interface CloudInitOptions {
  machine: ResolvedMachine;
  /** The agent for a platform such as `linux-x64`, for guests that fetch it; undefined if there is none. */
  agentFile?: ((platform: string) => string | undefined) | undefined;
  /** Of the machine, where nobody has chosen one. */
  hostname?: string | undefined;
  /** Of a machine that is started again and again; default: one that nobody had before. */
  instanceId?: string | undefined;
}

export interface MachineCloudInit {
  readonly source: DataSource;
  readonly cdroms: readonly Cdrom[];
}

const HOSTNAME = "boxcar";
const PLATFORM = "linux-x64";
/** User-data may install packages before there is an agent. */
const PATIENCE = 3;

/**
 * Undefined: the machine has nothing to do with it.
 *
 * @param directory Of the machine's own, for its CD.
 */
export async function prepareCloudInit(
  options: CloudInitOptions,
  directory: string,
  signal: AbortSignal,
): Promise<MachineCloudInit | undefined> {
  const facts = await findFacts(options);
  if (facts === undefined) return undefined;
  const source = new DataSource(facts);
  if (facts.source !== "disk") return { source, cdroms: [] };
  const file = join(directory, "cidata.iso");
  const files = noCloudFiles(facts);
  await makeCdImage({ file, label: "CIDATA", files, workDirectory: join(directory, "cidata"), signal });
  return { source, cdroms: [{ file, drive: cdDrive(options.machine) }] };
}

/** What the cloud-init of a machine is answered that has its CD already. */
export async function answerCloudInit(options: CloudInitOptions): Promise<MachineCloudInit["source"] | undefined> {
  const facts = await findFacts(options);
  return facts && new DataSource(facts);
}

async function findFacts({
  machine,
  agentFile,
  hostname,
  instanceId = crypto.randomUUID(),
}: CloudInitOptions): Promise<CloudInitFacts | undefined> {
  const { cloudInit, mac } = machine;
  if (cloudInit === undefined) return undefined;
  return {
    ...{ source: cloudInit.source, userData: cloudInit.userData, mac },
    hostname: cloudInit.hostname ?? hostname ?? HOSTNAME,
    instanceId,
    agentSha256: await digestAgent(agentFile),
  };
}

async function digestAgent(agentFile: CloudInitOptions["agentFile"]): Promise<string> {
  const file = agentFile?.(PLATFORM);
  if (file === undefined) {
    const message = "there is no agent for cloud-init to fetch; an image that has its own needs no cloudInit";
    throw new WorkerError(message, { code: "no-agent", blame: "host" });
  }
  return createHash("sha256")
    .update(await readFile(file))
    .digest("hex");
}

/** Kernels made for clouds see no other drives than those of the kind their disk has. */
function cdDrive({ storage }: Pick<ResolvedMachine, "storage">): Cdrom["drive"] {
  return storage.startsWith("virtio-") ? "virtio" : "board";
}

/** What a snapshot of such a machine depends on beside its hardware; undefined: nothing. */
export async function cloudInitKey({ machine, agentFile }: CloudInitOptions): Promise<string | undefined> {
  const { cloudInit } = machine;
  if (cloudInit === undefined) return undefined;
  const drive = cloudInit.source === "disk" ? cdDrive(machine) : "none";
  return JSON.stringify([cloudInit, drive, await digestAgent(agentFile)]);
}

/** Who the machine is when it is woken: its name may be chosen. */
export function identify(identity: GuestIdentity, { cloudInit }: Pick<ResolvedMachine, "cloudInit">): GuestIdentity {
  return cloudInit?.hostname === undefined ? identity : { ...identity, hostname: cloudInit.hostname };
}

/** How long a machine may take until its agent is there. */
export function patienceFor({ cloudInit }: Pick<ResolvedMachine, "cloudInit">, bootTimeoutMs: number): number {
  return cloudInit?.userData === undefined ? bootTimeoutMs : bootTimeoutMs * PATIENCE;
}
