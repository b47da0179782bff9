/** A recipe: what the schema can say of it, and what it cannot, all issues together. Pure. */
import { dirname, extname, resolve } from "node:path";
import { InvalidInputError, type Issue } from "../base/errors.ts";
import { tryParseDuration } from "../base/units.ts";
import { networkPolicyOf } from "../feature/network/request.ts";
import type { MachineOverrides } from "../generated/machine.ts";
import type { Recipe } from "../generated/recipe.ts";
import type { NetworkPolicy } from "../network/policy/network-policy.ts";
import { parseAs } from "../schema/parse.ts";
import { recipeIssues } from "./recipe-issues.ts";

/** A recipe with its defaults filled in; paths are absolute. */
export interface ParsedRecipe {
  readonly name: string;
  readonly description: string | undefined;
  readonly from: RecipeBase;
  readonly boot: "agent" | "systemd" | "disk";
  /** Whether the agent is put into an image of Debian packages, or a disk. */
  readonly agent: boolean;
  /** Undefined: as large as that of what it is made from, or the default of its kind. */
  readonly sizeBytes: number | undefined;
  readonly packages: readonly string[];
  readonly files: readonly RecipeFile[];
  readonly users: readonly RecipeUser[];
  /** Programs with their arguments. */
  readonly commands: readonly RecipeCommand[];
  readonly firstBoot: readonly RecipeCommand[];
  readonly machine: MachineOverrides;
  readonly network: NetworkPolicy;
  readonly timeoutMs: number;
}

export type RecipeBase =
  | { readonly kind: "debian" /** `host`, or a release. */; readonly release: string }
  | { readonly kind: "image"; readonly reference: string }
  | { readonly kind: "disk"; readonly source: RecipeSource; readonly format: RecipeDiskFormat }
  | {
      readonly kind: "iso";
      readonly source: RecipeSource;
      readonly second: RecipeSource | undefined;
      readonly keys: readonly RecipeKeyStep[];
    };

export type RecipeDiskFormat = "qcow2" | "raw" | "vmdk" | "vdi";

/** Where a file comes from; one from a URL always has its digest. */
export type RecipeSource =
  | { readonly kind: "file" /** Absolute. */; readonly path: string; readonly sha256: string | undefined }
  | { readonly kind: "url"; readonly url: string; readonly sha256: string };

export interface RecipeFile {
  /** Absolute, in the image. */
  readonly path: string;
  /** Text, or a file of this host by its absolute path. */
  readonly content: { readonly text: string } | { readonly file: string };
  readonly mode: number;
  readonly user: string;
  readonly group: string;
}

export interface RecipeUser {
  readonly name: string;
  readonly uid: number | undefined;
  readonly groups: readonly string[];
  readonly shell: string;
  readonly authorizedKeys: readonly string[];
}

export type RecipeCommand = readonly [string, ...string[]];

export interface RecipeKeyStep {
  readonly waitMs: number;
  readonly type: string;
  /** Keys pressed together, as QEMU calls them. */
  readonly press: readonly string[];
}

const GIB = 1_024 ** 3;
const HOUR_MS = 3_600_000;
const URL_START = /^https?:\/\//;

/**
 * @param file Absolute path of the recipe, to which its paths are relative.
 * @throws {InvalidInputError} with every issue found.
 */
export function parseRecipe(data: unknown, file: string): ParsedRecipe {
  const subject = `The recipe ${file}`;
  const { recipe, issues } = trySchema(data, subject);
  const all = [...issues, ...recipeIssues(recipe ?? data)];
  if (recipe === undefined || all.length > 0) throw new InvalidInputError(subject, all, "task");
  const from = baseOf(recipe, file);
  return {
    name: recipe.name,
    description: recipe.description,
    from,
    boot: recipe.boot ?? "agent",
    agent: recipe.agent ?? from.kind === "debian",
    sizeBytes: recipe.sizeGiB === undefined ? undefined : Math.ceil(recipe.sizeGiB * 1_024) * (GIB / 1_024),
    packages: recipe.packages ?? [],
    files: (recipe.files ?? []).map((entry) => fileOf(entry, file)),
    users: (recipe.users ?? []).map((user) => ({
      name: user.name,
      uid: user.uid,
      groups: user.groups ?? [],
      shell: user.shell ?? "/bin/bash",
      authorizedKeys: user.authorizedKeys ?? [],
    })),
    commands: (recipe.commands ?? []).map(commandOf),
    firstBoot: (recipe.firstBoot ?? []).map(commandOf),
    machine: recipe.machine ?? {},
    network: networkPolicyOf(recipe.network),
    timeoutMs: durationOf(recipe.timeout) ?? (from.kind === "iso" ? 4 * HOUR_MS : HOUR_MS),
  };
}

function trySchema(data: unknown, subject: string): { recipe?: Recipe; issues: readonly Issue[] } {
  try {
    return { recipe: parseAs("recipe", data, { subject, blame: "task" }), issues: [] };
  } catch (error) {
    if (error instanceof InvalidInputError) return { issues: error.issues };
    throw error;
  }
}

function baseOf({ from: { debian, image, disk, iso } }: Recipe, file: string): RecipeBase {
  if (debian !== undefined) return { kind: "debian", release: debian };
  if (image !== undefined) return { kind: "image", reference: image };
  if (disk !== undefined) {
    const format = disk.format ?? tryFormatOf(disk.source) ?? "raw";
    return { kind: "disk", source: sourceOf(disk.source, disk.sha256, file), format };
  }
  if (iso === undefined) throw new Error("a recipe is made from something");
  return {
    kind: "iso",
    source: sourceOf(iso.source, iso.sha256, file),
    second: iso.second === undefined ? undefined : sourceOf(iso.second, iso.secondSha256, file),
    keys: (iso.keys ?? []).map(({ wait, type = "", press = "" }) => ({
      waitMs: durationOf(wait) ?? 0,
      type,
      press: press === "" ? [] : press.split("-"),
    })),
  };
}

const FORMATS: Readonly<Record<string, RecipeDiskFormat>> = {
  ".qcow2": "qcow2",
  ".raw": "raw",
  ".img": "raw",
  ".vmdk": "vmdk",
  ".vdi": "vdi",
};

/** By the ending of its name; a file `.img` is often a qcow2, which the check of the disk finds out. */
export function tryFormatOf(source: string): RecipeDiskFormat | undefined {
  return FORMATS[extname(URL_START.test(source) ? new URL(source).pathname : source).toLowerCase()];
}

function sourceOf(source: string, sha256: string | undefined, file: string): RecipeSource {
  if (!URL_START.test(source)) return { kind: "file", path: resolve(dirname(file), source), sha256 };
  if (sha256 === undefined) throw new Error("what is fetched from a URL has a digest");
  return { kind: "url", url: source, sha256 };
}

function fileOf(entry: NonNullable<Recipe["files"]>[number], file: string): RecipeFile {
  const { path, content = "", source, mode = "644", owner = "root" } = entry;
  const [user = "root", group = user] = owner.split(":");
  return {
    path,
    content: source === undefined ? { text: content } : { file: resolve(dirname(file), source) },
    mode: Number.parseInt(mode, 8),
    user,
    group,
  };
}

function commandOf(command: string | readonly string[]): RecipeCommand {
  return typeof command === "string" ? ["sh", "-c", command] : (command as RecipeCommand);
}

function durationOf(value: number | string | undefined): number | undefined {
  return value === undefined ? undefined : tryParseDuration(value);
}
