/** `from: image`: an image of the store, on whose disk there is an overlay that keeps what the machine writes. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Scope } from "../../base/scope.ts";
import { topDisk } from "../../image/store/chain.ts";
import { createOverlay } from "../../qcow2/create-overlay.ts";
import type { BuildContext } from "../build-context.ts";
import type { MutableImage } from "../mutable-image.ts";
import type { ParsedRecipe } from "../recipe.ts";
import { BuildMachineError } from "./errors.ts";
import { provisionImage } from "./provision-image.ts";
import { isIdle, workOf } from "./work.ts";

/** @param scope Holds the image it is made from until the build is over. */
export async function buildFromImage(
  reference: string,
  recipe: ParsedRecipe,
  context: BuildContext,
  scope: Scope,
): Promise<MutableImage> {
  context.report.stage(`taking ${reference}`);
  const base = scope.use(await context.images.acquire(reference));
  const { image } = base;
  await context.accept?.(image);
  const virtualBytes = recipe.sizeBytes ?? image.sizes.virtualBytes;
  if (virtualBytes < image.sizes.virtualBytes) throw tooSmall(reference, virtualBytes, image.sizes.virtualBytes);
  // The machine keeps its variables and the like beside its disk.
  const directory = join(context.directory, "machine");
  await mkdir(directory, { recursive: true });
  const file = join(directory, "disk.qcow2");
  const { file: backingFile, format: backingFormat } = topDisk(image);
  await createOverlay(file, { virtualBytes, backingFile, backingFormat });
  const mutable: MutableImage = {
    directory: context.directory,
    machine: { ...image.machine, ...recipe.machine, version: 2 },
    disk: { file, format: "qcow2" },
    base,
    packages: image.provenance?.packages ?? [],
    sources: [{ kind: "image", name: reference, sha256: image.digest.slice("sha256:".length) }],
    ...(image.provenance?.agent === undefined ? {} : { agent: image.provenance.agent }),
  };
  const work = workOf(recipe);
  return isIdle(work) ? mutable : await provisionImage(recipe.name, mutable, work, context);
}

function tooSmall(reference: string, bytes: number, least: number): BuildMachineError {
  const gib = (size: number) => Math.ceil((size / 1_024 ** 3) * 1_024) / 1_024;
  const message = `sizeGiB is ${gib(bytes)}, and the disk of ${reference} has ${gib(least)} already; leave it out, or ask for more`;
  return new BuildMachineError("disk-too-small", message);
}
