/** `boxcar image show --packages`: what is installed in an image, by itself or by what is on its disk. */
import { Scope } from "../../base/scope.ts";
import { findPackages } from "../../builder/inspect/find-packages.ts";
import type { Config } from "../../config/config.ts";
import { type CliContext, print, printJson } from "../context.ts";
import { openStore } from "../store.ts";
import { table } from "../table.ts";
import { openSide } from "./diff-side.ts";
import { openInspector } from "./open-inspector.ts";

export async function showPackages(
  reference: string,
  { json = false }: { json?: boolean },
  config: Config,
  context: CliContext,
): Promise<void> {
  await using scope = new Scope();
  const images = scope.use(await openStore(config));
  const { lease } = scope.use(await openSide(reference, { store: images, config, context }));
  const settings = { scope, images, inspector: undefined, config, context };
  const { packages, source } = await findPackages(lease, () => openInspector(settings));
  if (json) printJson(context, { source: source ?? null, packages });
  else if (source === undefined)
    print(context, "Nobody knows which packages are in it: neither image.json, nor dpkg, nor apk.");
  else print(context, table([["PACKAGE", "VERSION"], ...packages.map(({ name, version }) => [name, version])]));
}
