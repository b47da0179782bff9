/** What is shown of one image on its page; anything may be missing. Pure. */
import type { ApiImage } from "../../../generated/api.ts";

export interface PackageFacts {
  readonly name: string;
  readonly version: string | undefined;
}

export interface StepFacts {
  /** Digest of the image of the chain that it was done for. */
  readonly image: string;
  readonly created: string | undefined;
  readonly by: string | undefined;
  readonly what: string;
}

export interface SourceFacts {
  readonly kind: string;
  /** A name or an address; undefined: it has none. */
  readonly name: string | undefined;
  readonly sha256: string | undefined;
}

export interface ImageDetails {
  readonly built: string | undefined;
  readonly builder: string | undefined;
  readonly recipe: string | undefined;
  readonly agent: string | undefined;
  readonly virtualBytes: number | undefined;
  /** Undefined where the server does not say. */
  readonly isArchiveKept: boolean | undefined;
  readonly packages: readonly PackageFacts[] | undefined;
  readonly sources: readonly SourceFacts[];
  /** Names of keys; undefined where the server does not say. */
  readonly signatures: readonly string[] | undefined;
}

export function imageDetails(image: ApiImage): ImageDetails {
  const [sizes, provenance] = [record(image["sizes"]), record(image["provenance"])];
  const { created, builder, recipe, agent, packages, sources } = provenance;
  return {
    built: text(created),
    builder: text(builder),
    recipe: text(recipe),
    agent: text(agent),
    virtualBytes: number(sizes["virtualBytes"]),
    isArchiveKept: typeof image["archiveKept"] === "boolean" ? image["archiveKept"] : undefined,
    packages: Array.isArray(packages) ? packages.flatMap(packageFacts) : undefined,
    sources: list(sources).map(sourceFacts),
    signatures: Array.isArray(image["signatures"]) ? image["signatures"].flatMap(keyOf) : undefined,
  };
}

/** Those whose name has all the words, in any order. */
export function findPackages(packages: readonly PackageFacts[], search: string): readonly PackageFacts[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return packages;
  return packages.filter(({ name, version }) => {
    const line = `${name} ${version ?? ""}`.toLowerCase();
    return words.every((word) => line.includes(word));
  });
}

/** What was done, the newest first. @param chain The image, its parent, and so on. */
export function historyOf(chain: readonly ApiImage[]): StepFacts[] {
  return chain.flatMap((image) => ownSteps(image).reverse());
}

function ownSteps(image: ApiImage): StepFacts[] {
  const { history, created, builder, recipe } = record(image["provenance"]);
  const steps = list(history).map(record);
  if (steps.length > 0) return steps.map((step) => stepFacts(image.digest, step));
  if (text(created) === undefined && text(recipe) === undefined) return [];
  const what = text(recipe) === undefined ? "built" : `built by the recipe ${text(recipe)}`;
  return [stepFacts(image.digest, { created, by: builder, what })];
}

function stepFacts(image: string, { created, by, what }: Record<string, unknown>): StepFacts {
  return { image, created: text(created), by: text(by), what: text(what) ?? "unknown" };
}

function sourceFacts(value: unknown): SourceFacts {
  const { kind, name, url, sha256 } = record(value);
  return { kind: text(kind) ?? "unknown", name: text(name) ?? text(url), sha256: text(sha256) };
}

function packageFacts(value: unknown): PackageFacts[] {
  const name = text(value) ?? text(record(value)["name"]);
  return name === undefined ? [] : [{ name, version: text(record(value)["version"]) }];
}

function keyOf(value: unknown): string[] {
  const key = text(value) ?? text(record(value)["key"]);
  return key === undefined ? [] : [key];
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function number(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
