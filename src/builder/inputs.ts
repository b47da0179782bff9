/** What decides how an image comes out, as digests: an image with other ones is out of date. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import canonicalize from "canonicalize";
import { InvalidInputError } from "../base/errors.ts";
import type { GuestPrograms } from "./build-context.ts";
import { DEBIAN_CONSTANTS } from "./debian/debian-image.ts";
import { DRIVERS } from "./debian/kernel.ts";
import { digestFolder } from "./digest-folder.ts";
import type { ParsedRecipe, RecipeSource } from "./recipe.ts";

export type BuildInputs = Readonly<Record<string, string>>;

/** @throws {InvalidInputError} for a file of the recipe that cannot be read. */
export async function inputsOf(
  recipe: ParsedRecipe,
  { agentBinary, initBinary }: GuestPrograms,
  parentSha256: string | undefined,
): Promise<BuildInputs> {
  const { from, files, ...rest } = recipe;
  const isDebian = from.kind === "debian";
  const plain = {
    ...rest,
    from: isDebian || from.kind === "image" ? from : { ...from, source: undefined, second: undefined },
    files: files.map(({ content, ...file }) => ("text" in content ? { ...file, content } : file)),
    constants: isDebian ? [...DEBIAN_CONSTANTS, DRIVERS] : undefined,
  };
  const inputs: Record<string, string> = { recipe: sha256(canonicalize(JSON.parse(JSON.stringify(plain))) ?? "") };
  if (recipe.agent) inputs["boxcar-agent"] = await digestOf(agentBinary);
  if (isDebian && recipe.boot !== "disk") inputs["boxcar-init"] = await digestOf(initBinary);
  if (parentSha256 !== undefined) inputs["image"] = parentSha256;
  for (const [index, { content, path }] of files.entries()) {
    if ("file" in content) inputs[`file ${path}`] = await digestAt(content.file, `files[${index}].source`);
  }
  const sources: Record<string, RecipeSource | undefined> =
    from.kind === "iso"
      ? { source: from.source, second: from.second }
      : from.kind === "disk"
        ? { source: from.source }
        : {};
  for (const [name, source] of Object.entries(sources)) {
    if (source === undefined) continue;
    const mayBeFolder = name === "second";
    inputs[name] =
      source.sha256 ??
      (source.kind === "file" ? await digestAt(source.path, `from.${from.kind}.${name}`, { mayBeFolder }) : "");
  }
  return inputs;
}

/** An identity of what is made of the inputs: the same ones give the same. RFC 4122, in the form of version 5. */
export function uuidOf(inputs: BuildInputs): string {
  const digest = createHash("sha256")
    .update(canonicalize(inputs) ?? "")
    .digest();
  digest.writeUInt8((digest.readUInt8(6) & 0x0f) | 0x50, 6);
  digest.writeUInt8((digest.readUInt8(8) & 0x3f) | 0x80, 8);
  return digest.toString("hex", 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

async function digestAt(file: string, path: string, { mayBeFolder = false } = {}): Promise<string> {
  const refused = (why: string) => new InvalidInputError("The recipe", [{ path, message: `${file} ${why}` }], "task");
  try {
    const stats = await stat(file);
    if (stats.isDirectory()) {
      if (mayBeFolder) return await digestFolder(file);
      throw refused("is a folder");
    }
    // A device or a pipe may have no end.
    if (!stats.isFile()) throw refused("is no plain file");
    return await digestOf(file);
  } catch (error) {
    if (error instanceof InvalidInputError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw refused(code === "ENOENT" ? "is not there" : `cannot be read (${code})`);
  }
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
