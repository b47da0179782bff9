/**
 * Makes an image by a recipe.
 *
 *   base (debian | image | disk | iso) ──▶ provisioned in a booted machine, where there is work for one ──▶ packed
 *
 * What it is made of lies in the work folder of the context; nothing outside of it is changed but the archive, which
 * appears when it is whole, and what is kept between builds below `stateDir`.
 */
import { Scope } from "../base/scope.ts";
import type { BuildContext } from "./build-context.ts";
import { buildDebian } from "./debian/debian-image.ts";
import { buildFromDisk } from "./disk/from-disk.ts";
import { type BuildInputs, uuidOf } from "./inputs.ts";
import { buildFromIso } from "./iso/from-iso.ts";
import { buildFromImage } from "./machine/from-image.ts";
import { provisionImage } from "./machine/provision-image.ts";
import { workOf } from "./machine/work.ts";
import type { MutableImage } from "./mutable-image.ts";
import { packMutable } from "./pack-mutable.ts";
import { provenanceOf } from "./provenance.ts";
import type { ParsedRecipe } from "./recipe.ts";

export interface BuildOptions {
  readonly context: BuildContext;
  /** Of {@link inputsOf}. */
  readonly inputs: BuildInputs;
  /** Absolute path of the archive; its folder is there. */
  readonly output: string;
  /** Whether only what differs from the base is packed; the recipe is from an image. */
  readonly layer: boolean;
  /** Program that builds, with its version. */
  readonly builder: string;
  /** Seconds since 1970 that are taken for the time of the build; undefined: by what it is made of. */
  readonly epochSeconds: number | undefined;
}

interface Made {
  readonly image: MutableImage;
  /** Undefined where a machine had a part in it: what that writes is another each time. */
  readonly newestSeconds: number | undefined;
}

/** @throws {CommandError}, {@link InvalidInputError}, {@link ImageError} …; `signal.reason`. There is no archive then. */
export async function buildImage(recipe: ParsedRecipe, options: BuildOptions): Promise<void> {
  const { context, inputs, output, layer, builder, epochSeconds } = options;
  await using scope = new Scope();
  const { image, newestSeconds } = await make(recipe, options, scope);
  const seconds = epochSeconds ?? newestSeconds ?? Math.floor(Date.now() / 1_000);
  const created = new Date(seconds * 1_000);
  const machine = { ...image.machine, uuid: uuidOf(inputs) };
  context.report.stage("packing");
  await packMutable(
    { ...image, machine },
    {
      provenance: provenanceOf(image, { recipe, inputs, builder, created, layer }),
      output,
      limits: { maxFileBytes: context.config.images.maxSizeBytes },
      signal: context.signal,
      onProgress: (done, total) => context.report.progress(done, total),
    },
  );
}

async function make(recipe: ParsedRecipe, options: BuildOptions, scope: Scope): Promise<Made> {
  const { context, inputs, epochSeconds } = options;
  const { from } = recipe;
  switch (from.kind) {
    case "debian": {
      const uuid = uuidOf(inputs);
      const made = await buildDebian(recipe, { release: from.release, uuid, epochSeconds, context, scope });
      if (recipe.commands.length === 0) return { image: made, newestSeconds: made.newestSeconds };
      const work = { ...workOf(recipe), packages: [], users: [], files: [] };
      return { image: await provisionImage(recipe.name, made, work, context), newestSeconds: undefined };
    }
    case "image":
      return { image: await buildFromImage(from.reference, recipe, context, scope), newestSeconds: undefined };
    case "disk":
      return { image: await buildFromDisk(from, recipe, context), newestSeconds: undefined };
    case "iso":
      return { image: await buildFromIso(from, recipe, context), newestSeconds: undefined };
  }
}
