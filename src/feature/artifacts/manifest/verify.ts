/** Checks a folder of artifacts against the signed manifest in it. */
import { createHash, type KeyObject, verify } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Digest } from "../../../base/digest-stream.ts";
import { InvalidInputError, messageOf, WorkerError } from "../../../base/errors.ts";
import { unsafePathReason } from "../../../base/relative-path.ts";
import type { Manifest } from "../../../generated/manifest.ts";
import { parseAs } from "../../../schema/parse.ts";
import { MANIFEST_NAME, SIGNATURE_NAME } from "../reserved-names.ts";

const SUBJECT = "The manifest";

/** `unpacked`: the file is what comes out of the one that was stored. */
export type FileState = "intact" | "unpacked" | "missing" | "changed";

export interface Verification {
  readonly manifest: Manifest;
  /** In the order of the manifest. */
  readonly files: readonly { readonly name: string; readonly state: FileState }[];
  /** What lies in the folder and is not in the manifest: nobody vouches for it. */
  readonly unlisted: readonly string[];
}

/**
 * @param folder With the artifacts below it, by their names.
 * @throws {WorkerError} `manifest-unreadable`, `manifest-signature-wrong`; {@link InvalidInputError}
 */
export async function verifyFolder(folder: string, key: KeyObject, signal: AbortSignal): Promise<Verification> {
  const manifest = await readManifest(folder, key);
  const files: { name: string; state: FileState }[] = [];
  for (const entry of manifest.artifacts) {
    if (entry.error !== undefined) continue;
    files.push({ name: entry.name, state: await checkFile(join(folder, entry.name), entry, signal) });
  }
  const listed = new Set([...files.map(({ name }) => name), MANIFEST_NAME, SIGNATURE_NAME]);
  const unlisted = (await namesIn(folder)).filter((name) => !listed.has(name));
  return { manifest, files, unlisted };
}

async function readManifest(folder: string, key: KeyObject): Promise<Manifest> {
  const [bytes, signature] = await Promise.all([readPart(folder, MANIFEST_NAME), readPart(folder, SIGNATURE_NAME)]);
  if (!verify(null, bytes, key, signature)) {
    const message = `the signature of ${MANIFEST_NAME} is not by this key; it was changed, or another worker made it`;
    throw new WorkerError(message, { code: "manifest-signature-wrong", blame: "task" });
  }
  const manifest = parseManifest(bytes.toString("utf8"));
  const issues = manifest.artifacts.flatMap(({ name }, index) => {
    const reason = unsafePathReason(name);
    return reason === undefined ? [] : [{ path: `artifacts[${index}].name`, message: `is refused: ${reason}` }];
  });
  if (issues.length > 0) throw new InvalidInputError(SUBJECT, issues, "task");
  return manifest;
}

/** It may be larger than other documents, but whoever has the key has written it. */
function parseManifest(text: string): Manifest {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    throw new InvalidInputError(SUBJECT, [{ path: "", message: messageOf(error) }], "task");
  }
  return parseAs("manifest", data, { subject: SUBJECT, blame: "task" });
}

async function readPart(folder: string, name: string): Promise<Buffer> {
  try {
    return await readFile(join(folder, name));
  } catch (error) {
    const message = `${name} cannot be read: ${messageOf(error)}; name the folder that has all artifacts of the run`;
    throw new WorkerError(message, { code: "manifest-unreadable", blame: "task", cause: error });
  }
}

async function checkFile(path: string, entry: Manifest["artifacts"][number], signal: AbortSignal): Promise<FileState> {
  const facts = await lstat(path).catch(() => undefined);
  if (facts === undefined) return "missing";
  if (!facts.isFile()) return "changed";
  const found = { sizeBytes: facts.size, sha256: await hashOf(path, signal) };
  if (isSame(found, entry)) return "intact";
  return entry.content !== undefined && isSame(found, entry.content) ? "unpacked" : "changed";
}

function isSame(found: Digest, wanted: Partial<Digest>): boolean {
  return found.sizeBytes === wanted.sizeBytes && found.sha256 === wanted.sha256;
}

async function hashOf(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash, { signal });
  return hash.digest("hex");
}

async function namesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory());
  return files.map((entry) => relative(folder, join(entry.parentPath, entry.name))).sort();
}
