/** `from: disk`: a disk from elsewhere that boots by itself, such as the cloud image of a distribution. */
import { mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { formatBytes } from "../../base/units.ts";
import type { Machine } from "../../generated/machine.ts";
import { DEFAULT_LIMITS } from "../../image/archive/format.ts";
import { importDisk } from "../../image/disk-formats/import-disk.ts";
import type { BuildContext } from "../build-context.ts";
import { fetchSource } from "../fetch-source.ts";
import { BuildMachineError } from "../machine/errors.ts";
import { provisionImage } from "../machine/provision-image.ts";
import { isIdle, workOf } from "../machine/work.ts";
import type { MutableImage } from "../mutable-image.ts";
import type { ParsedRecipe, RecipeBase } from "../recipe.ts";

type DiskBase = RecipeBase & { kind: "disk" };

export async function buildFromDisk(
  base: DiskBase,
  recipe: ParsedRecipe,
  context: BuildContext,
): Promise<MutableImage> {
  const { config, directory, signal, report } = context;
  const maxBytes = config.images.maxSizeBytes;
  const fetched = await fetchSource(base.source, {
    ...{ kind: "disk", maxBytes, context },
    target: join(directory, "source"),
  });
  report.stage(`converting the ${base.format} disk`);
  // The machine keeps its variables and the like beside its disk.
  const own = join(directory, "machine");
  await mkdir(own, { recursive: true });
  const file = join(own, "disk.img");
  const limits = { ...DEFAULT_LIMITS, maxFileBytes: maxBytes };
  const { virtualBytes } = await importDisk(fetched.file, base.format, file, { limits, signal });
  if (base.source.kind === "url") await rm(fetched.file);
  await grow(file, virtualBytes, recipe.sizeBytes);
  const image: MutableImage = {
    ...{ directory, packages: [], sources: [fetched.source] },
    machine: machineOf(recipe),
    disk: { file, format: "raw" },
  };
  const work = { ...workOf(recipe), installAgent: recipe.agent };
  return isIdle(work) ? image : finish(await provisionImage(recipe.name, image, work, context), recipe);
}

/** The rest is for the guest: cloud images grow their file systems when they boot. */
async function grow(file: string, bytes: number, wanted: number | undefined): Promise<void> {
  if (wanted === undefined || wanted === bytes) return;
  if (wanted < bytes) {
    const message = `sizeGiB is ${formatBytes(wanted)}, and the disk has ${formatBytes(bytes)} already; leave it out, or ask for more`;
    throw new BuildMachineError("disk-too-small", message);
  }
  await using disk = await open(file, "r+");
  await disk.truncate(wanted);
}

/** Where nobody says otherwise, its cloud-init fetches the agent; a disk without cloud-init takes no notice. */
function machineOf({ machine }: ParsedRecipe): Machine {
  return { cloudInit: { source: "disk" }, ...machine, version: 2 };
}

/** An agent of its own needs nobody to fetch one; what the recipe says of cloud-init itself stays. */
function finish(image: MutableImage, { agent, machine: asked }: ParsedRecipe): MutableImage {
  if (!agent || asked.cloudInit !== undefined) return image;
  const { cloudInit: _fetched, ...machine } = image.machine;
  return { ...image, machine };
}
