/** `boxcar image warm`: makes the snapshot that tasks will resume from, before the first of them comes. */
import { join } from "node:path";
import type { Config } from "../../config/config.ts";
import { reclaimDirectories } from "../../host/owned-directory.ts";
import { snapshotDocument } from "../../image/document.ts";
import { warmImage } from "../../sandbox/warm-image.ts";
import { chooseAccelerator } from "../accelerator.ts";
import { type CliContext, print, printJson } from "../context.ts";
import { agentFile } from "../guest-programs.ts";
import { imageHooks } from "../image-hooks.ts";
import { openNetworks } from "../networks.ts";
import { printable } from "../printable.ts";
import { readPayload } from "../run/payload.ts";
import { openStore } from "../store.ts";

export interface WarmFlags {
  task?: string;
  json?: boolean;
}

export async function warm(reference: string, flags: WarmFlags, config: Config, context: CliContext): Promise<void> {
  const { signal, cwd } = context;
  const payload =
    flags.task === undefined
      ? undefined
      : await readPayload({ taskFile: flags.task, command: [], image: undefined, cwd, config });
  const [runParent, stateParent] = [join(config.runDir, "m"), join(config.stateDir, "machines")];
  for (const parent of [runParent, stateParent]) await reclaimDirectories(parent);
  await using store = await openStore(config);
  const image = await store.inspect(reference);
  await (await imageHooks(config)).accept?.(image);
  await using networks = await openNetworks(config);
  // By its digest: the name may be another image's meanwhile.
  const snapshot = await warmImage(image.digest, {
    ...{ images: store, networks, config, agentFile, signal },
    chooseAccelerator: (warmSignal, note) => chooseAccelerator(config, warmSignal, note),
    machine: payload?.machine,
    caches: payload?.caches.length ?? 0,
    note: (text) => void context.stderr.write(`${printable(text)}\n`),
  });
  if (flags.json) printJson(context, snapshotDocument(snapshot));
  else print(context, `${reference} is warm: ${snapshot.title}`);
}
