/** `boxcar image warm`: makes the snapshot that tasks will resume from, before the first of them comes. */
import { join } from "node:path";
import { WorkerError } from "../../base/errors.ts";
import type { Config } from "../../config/config.ts";
import { reclaimDirectories } from "../../host/owned-directory.ts";
import { obtainSnapshot } from "../../sandbox/warm-start.ts";
import { chooseDiskSlots } from "../../vm/data-disks.ts";
import { resolveMachine } from "../../vm/limits.ts";
import { chooseAccelerator } from "../accelerator.ts";
import { type CliContext, print, printJson } from "../context.ts";
import { openNetworks } from "../networks.ts";
import { readPayload } from "../run/payload.ts";
import { openStore } from "../store.ts";
import { plainSnapshot } from "./describe.ts";

export interface WarmFlags {
  task?: string;
  json?: boolean;
}

export async function warmImage(
  reference: string,
  flags: WarmFlags,
  config: Config,
  context: CliContext,
): Promise<void> {
  const { signal, cwd } = context;
  const payload =
    flags.task === undefined
      ? undefined
      : await readPayload({ taskFile: flags.task, command: [], image: undefined, cwd, config });
  const [runParent, stateParent] = [join(config.runDir, "m"), join(config.stateDir, "machines")];
  for (const parent of [runParent, stateParent]) await reclaimDirectories(parent);
  await using store = await openStore(config);
  await using image = await store.acquire(reference);
  await using networks = await openNetworks(config);
  const note = (text: string) => void context.stderr.write(`${text}\n`);
  const layers = { payload: payload?.machine, image: image.image.machine, config: config.machine };
  const machine = resolveMachine(layers, config.machineOptions);
  const snapshot = await obtainSnapshot({
    ...{ image, machine, diskSlots: chooseDiskSlots(machine, payload?.caches.length ?? 0) },
    accelerator: await chooseAccelerator(config, signal, note),
    qemuBinary: config.qemu.binary,
    networks,
    bootTimeoutMs: config.limits.bootTimeoutMs,
    runParent,
    stateParent,
    cacheDirectory: join(config.stateDir, "cache"),
    note,
    signal,
  });
  if (snapshot === undefined) {
    throw new WorkerError(`${reference} has no snapshot for this machine; its tasks will boot`, {
      code: "no-snapshot",
      blame: "image",
    });
  }
  if (flags.json) printJson(context, plainSnapshot(snapshot));
  else print(context, `${reference} is warm: ${snapshot.title}`);
}
