/** What a machine needs that looks into disks; nothing of it is opened where none is needed. */
import { join } from "node:path";
import type { Scope } from "../../base/scope.ts";
import type { InspectorOptions } from "../../builder/inspect/inspecting-machine.ts";
import type { Config } from "../../config/config.ts";
import { reclaimDirectories } from "../../host/owned-directory.ts";
import type { ImageStore } from "../../image/store/image-store.ts";
import { chooseAccelerator } from "../accelerator.ts";
import type { CliContext } from "../context.ts";
import { guestProgram } from "../guest-programs.ts";
import { imageHooks } from "../image-hooks.ts";
import { openNetworks } from "../networks.ts";
import { printable } from "../printable.ts";

export interface InspectorSettings {
  /** Gets what is opened. */
  scope: Scope;
  images: ImageStore;
  /** Default: that of tasks. */
  inspector: string | undefined;
  config: Config;
  context: CliContext;
}

export async function openInspector(settings: InspectorSettings): Promise<InspectorOptions> {
  const { scope, images, inspector, config, context } = settings;
  const folders = { runParent: join(config.runDir, "m"), stateParent: join(config.stateDir, "machines") };
  for (const parent of Object.values(folders)) await reclaimDirectories(parent);
  const program = await guestProgram("boxcar-inspect");
  const { accept } = await imageHooks(config);
  return {
    ...{ config, images, accept, program, signal: context.signal, ...folders },
    inspector: inspector ?? config.images.default,
    networks: scope.use(await openNetworks(config)),
    chooseAccelerator: (signal, note) => chooseAccelerator(config, signal, note),
    note: (text) => void context.stderr.write(`${printable(text)}\n`),
  };
}
