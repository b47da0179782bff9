/** What `boxcar manifest verify` finds, and how it says it. */
import { readFile } from "node:fs/promises";
import { InvalidInputError } from "../../base/errors.ts";
import { whyUnreadable } from "../../base/why-unreadable.ts";
import { type FileState, type Verification, verifyFolder } from "../../feature/artifacts/manifest/verify.ts";
import { parsePublicKey } from "../../signing/keys.ts";

export interface FolderCheck extends Verification {
  /** Nothing is changed, unknown or, unless that is allowed, missing. */
  readonly intact: boolean;
}

const SAYINGS: Readonly<Record<FileState, string>> = {
  intact: "intact",
  unpacked: "intact (unpacked)",
  missing: "MISSING",
  changed: "CHANGED",
};

export async function checkFolder(
  folder: string,
  keyFile: string,
  isPartial: boolean,
  signal: AbortSignal,
): Promise<FolderCheck> {
  const key = parsePublicKey(await readKey(keyFile), keyFile);
  const found = await verifyFolder(folder, key, signal);
  const isWrong = ({ state }: Verification["files"][number]) =>
    state === "changed" || (state === "missing" && !isPartial);
  return { intact: !found.files.some(isWrong) && found.unlisted.length === 0, ...found };
}

export function describeCheck({ intact, manifest, files, unlisted }: FolderCheck): string {
  const { taskId, runId, worker, image, resolved } = manifest;
  const lines = [
    `task ${taskId}, run ${runId}, by ${worker}, over at ${resolved}`,
    ...(image === undefined ? [] : [`image ${image.digest}`]),
    ...files.map(({ name, state }) => `${SAYINGS[state]}: ${name}`),
    ...unlisted.map((name) => `NOT IN THE MANIFEST: ${name}`),
  ];
  return [...lines, intact ? "all is as the worker has signed it" : "this is not what the worker has signed"].join(
    "\n",
  );
}

async function readKey(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new InvalidInputError(`The key ${file}`, [{ path: "", message: whyUnreadable(error) }], "task");
  }
}
