/** What image.json says of an image that was built. Pure. */
import type { ImageProvenance } from "../generated/image.ts";
import { showUrl } from "../http/download.ts";
import type { BuildInputs } from "./inputs.ts";
import type { BuildSource, MutableImage } from "./mutable-image.ts";
import type { ParsedRecipe } from "./recipe.ts";

/** Of a history, as the schema has it. */
const MAX_STEPS = 1_000;

export interface ProvenanceFacts {
  readonly recipe: Pick<ParsedRecipe, "name">;
  readonly inputs: BuildInputs;
  /** Program that built it, with its version. */
  readonly builder: string;
  readonly created: Date;
  /** Whether it carries only what it has other than its base. */
  readonly layer: boolean;
}

export function provenanceOf(image: MutableImage, facts: ProvenanceFacts): ImageProvenance {
  const { recipe, inputs, builder, layer } = facts;
  const created = facts.created.toISOString();
  const step = { created, by: builder, what: `built by the recipe ${recipe.name}` };
  const base = image.base?.image;
  const parent = layer && base !== undefined ? { digest: base.digest, ...nameOf(base.provenance) } : undefined;
  // A layer has those of its parents below it.
  const before = parent === undefined ? (base?.provenance?.history ?? []).slice(1 - MAX_STEPS) : [];
  return {
    name: recipe.name,
    created,
    ...(parent === undefined ? {} : { parent }),
    history: [...before, step],
    sources: image.sources.map(publicSource),
    builder,
    recipe: recipe.name,
    inputs,
    ...(image.packages.length === 0
      ? {}
      : { packages: image.packages.map(({ name, version }) => ({ name, version })) }),
    ...(image.agent === undefined ? {} : { agent: image.agent }),
  };
}

/** What is secret of an address is not for everybody who gets the image. */
function publicSource({ url, ...source }: BuildSource): BuildSource {
  const parsed = url === undefined ? null : URL.parse(url);
  return parsed === null ? source : { ...source, url: showUrl(parsed) };
}

function nameOf(provenance: ImageProvenance | undefined): { name?: string } {
  return provenance === undefined ? {} : { name: provenance.name };
}
