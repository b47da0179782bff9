/** The documents of a registry, as it has them. Pure. */
import { InvalidInputError, messageOf } from "../../base/errors.ts";
import type { RegistryTag } from "../../generated/registry-tag.ts";
import { parseAs } from "../../schema/parse.ts";
import { ImageError } from "../errors.ts";
import { parseModestJson } from "../modest-json.ts";

export const MAX_TAG_BYTES = 16 * 1_024;
export const MAX_TAGS = 10_000;
export const MAX_LIST_BYTES = 16 * 1_024 * 1_024;

/** A name has some values, and as many parents as a chain may have. */
const LIST_LIMITS = { maxValues: MAX_TAGS * 40, maxDepth: 4 };

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** @param registry For messages. @throws {InvalidInputError} */
export function parseTag(bytes: Buffer, name: string, registry: string): RegistryTag {
  return checkTag(parseJson(bytes, subjectOf(name, registry)), name, registry);
}

/** @throws {InvalidInputError}, also for one that says it is another. */
export function checkTag(data: unknown, name: string, registry: string): RegistryTag {
  const subject = subjectOf(name, registry);
  const tag = parseAs("registry-tag", data, { subject, blame: "task" });
  if (tag.name !== name) throw refused(subject, "name", `is ${tag.name}`);
  if (tag.parents.includes(tag.digest) || new Set(tag.parents).size !== tag.parents.length) {
    throw refused(subject, "parents", "go round in a circle");
  }
  return tag;
}

/** @throws {InvalidInputError} */
export function parseTagList(bytes: Buffer, registry: string): RegistryTag[] {
  const subject = `The list of ${registry}`;
  const list = parseModestJson(bytes.toString("utf8"), subject, LIST_LIMITS);
  if (!Array.isArray(list)) throw refused(subject, "", "is no list");
  if (list.length > MAX_TAGS) throw refused(subject, "", `has ${list.length} names, and may have ${MAX_TAGS}`);
  const tags = list.map((data: unknown, index) =>
    parseAs("registry-tag", data, { subject: `Entry ${index} of the list of ${registry}`, blame: "task" }),
  );
  return tags.sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function formatDocument(document: unknown): string {
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

/** Hexadecimal digits; names of files are made of them. @throws {@link ImageError} `image-reference-invalid` */
export function sha256OfDigest(digest: string): string {
  if (DIGEST.test(digest)) return digest.slice("sha256:".length);
  const message = `${JSON.stringify(digest.slice(0, 100))} is no digest; it is sha256: and 64 hexadecimal digits`;
  throw new ImageError("image-reference-invalid", message, { blame: "task" });
}

export function blobMissing(digest: string, registry: string): ImageError {
  return new ImageError("image-not-found", `${registry} does not have the archive ${digest}`, {
    blame: "task",
    details: { digest },
  });
}

function subjectOf(name: string, registry: string): string {
  return `The name ${JSON.stringify(name)} in ${registry}`;
}

function parseJson(bytes: Buffer, subject: string): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    throw refused(subject, "", `is not JSON: ${messageOf(error)}`);
  }
}

function refused(subject: string, path: string, message: string): InvalidInputError {
  return new InvalidInputError(subject, [{ path, message }], "task");
}
