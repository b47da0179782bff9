/**
 * Artifacts: files and folders that are pulled out of the machine after the command, also after one that failed.
 *
 * A missing one that is not optional fails the task with `file-missing-on-worker`; the others are collected all the
 * same.
 */
import { codeOf, messageOf, WorkerError } from "../../base/errors.ts";
import { collectMatches } from "./collect-matches.ts";
import { type ArtifactSource, type CollectOptions, collectFile, collectFolder } from "./collect-one.ts";
import { parsePattern } from "./glob.ts";
import type { ArtifactFault, ArtifactRecord } from "./record.ts";
import type { ArtifactRequest } from "./request.ts";
import type { ArtifactSink } from "./store-artifact.ts";

/** Errors of the guest that are the task's own doing, and what a queue calls them. */
const ERROR_NAMES: Readonly<Record<string, ArtifactFault>> = {
  "file-not-found": "file-missing-on-worker",
  "nothing-matches": "file-missing-on-worker",
  "not-a-file": "invalid-resource-on-worker",
  "not-a-folder": "invalid-resource-on-worker",
  "permission-denied": "invalid-resource-on-worker",
  "unsafe-path": "invalid-resource-on-worker",
  "folder-refused": "invalid-resource-on-worker",
  "guest-io-error": "invalid-resource-on-worker",
  "list-too-long": "too-large-file-on-worker",
  "file-too-large": "too-large-file-on-worker",
  "too-many-matches": "too-large-file-on-worker",
  "artifact-exists": "invalid-resource-on-worker",
  "artifact-name-refused": "invalid-resource-on-worker",
};

/** What is gathered while it comes: a collection that is broken off keeps what it has. */
export class Collection {
  readonly records: ArtifactRecord[] = [];
  /** Sentences on what was missing and not optional; a task that has any has failed. */
  readonly problems: string[] = [];

  /** There is no such artifact, and why. */
  miss({ name, expiresAfterMs }: ArtifactRequest, error: ArtifactFault, message: string): void {
    this.records.push({ name, error, message, ...(expiresAfterMs === undefined ? {} : { expiresAfterMs }) });
    this.problems.push(`artifact ${name}: ${error}: ${message}`);
  }
}

/** @throws What is not the task's doing: the machine ended, the disk is full; `options.signal.reason`. */
export async function collectArtifact(
  request: ArtifactRequest,
  source: ArtifactSource,
  sink: ArtifactSink,
  options: CollectOptions,
  collection: Collection,
): Promise<void> {
  try {
    for await (const record of collectOne(request, source, sink, options)) collection.records.push(record);
  } catch (thrown) {
    options.signal.throwIfAborted();
    const error = ERROR_NAMES[codeOf(thrown) ?? ""];
    if (error === undefined || !(thrown instanceof WorkerError)) throw thrown;
    if (request.optional && error === "file-missing-on-worker") return;
    collection.miss(request, error, messageOf(thrown));
  }
}

function collectOne(
  request: ArtifactRequest,
  source: ArtifactSource,
  sink: ArtifactSink,
  options: CollectOptions,
): AsyncGenerator<ArtifactRecord> {
  const pattern = parsePattern(request.path);
  if ("folder" in pattern) return collectMatches(request, pattern, source, sink, options);
  const collect = request.type === "file" ? collectFile : collectFolder;
  return collect({ ...request, path: pattern.path }, source, sink, options);
}
