/**
 * Artifacts: files and folders that are pulled out of the machine after the command, also after one that failed.
 *
 * A missing one that is not optional fails the task with `file-missing-on-worker`; the others are collected all the
 * same.
 */
import type { Readable } from "node:stream";
import { codeOf, messageOf, WorkerError } from "../../base/errors.ts";
import type { ArtifactRequest } from "../payload.ts";
import { type ArtifactFault, type ArtifactRecord, guessContentType } from "./record.ts";

/** What is needed of a guest. */
export interface ArtifactSource {
  getFile(path: string, options: { signal: AbortSignal; maxBytes: number }): Promise<{ stream: Readable }>;
  getFolder(
    path: string,
    options: { signal: AbortSignal; limits: { maxFiles: number; maxTotalBytes: number } },
  ): Promise<{ files: AsyncIterable<{ path: string; stream: Readable }> }>;
}

/** What is needed of a store. */
export interface ArtifactSink {
  put(
    name: string,
    content: Readable,
    signal: AbortSignal,
  ): Promise<{ name: string; sizeBytes: number; sha256: string }>;
}

export interface ArtifactLimits {
  maxBytes: number;
  maxFiles: number;
}

/** Errors of the guest that are the task's own doing, and what a queue calls them. */
const ERROR_NAMES: Readonly<Record<string, ArtifactFault>> = {
  "file-not-found": "file-missing-on-worker",
  "not-a-file": "invalid-resource-on-worker",
  "not-a-folder": "invalid-resource-on-worker",
  "permission-denied": "invalid-resource-on-worker",
  "unsafe-path": "invalid-resource-on-worker",
  "folder-refused": "invalid-resource-on-worker",
  "guest-io-error": "invalid-resource-on-worker",
  "list-too-long": "too-large-file-on-worker",
  "file-too-large": "too-large-file-on-worker",
  "artifact-exists": "invalid-resource-on-worker",
  "artifact-name-refused": "invalid-resource-on-worker",
};

export interface Collection {
  readonly records: readonly ArtifactRecord[];
  /** Sentences on what was missing and not optional; a task that has any has failed. */
  readonly problems: readonly string[];
}

/** @throws What is not the task's doing: the machine ended, the disk is full; `signal.reason`. */
export async function collectArtifacts(
  requests: readonly ArtifactRequest[],
  source: ArtifactSource,
  sink: ArtifactSink,
  limits: ArtifactLimits,
  signal: AbortSignal,
): Promise<Collection> {
  const records: ArtifactRecord[] = [];
  const problems: string[] = [];
  for (const request of requests) {
    try {
      for await (const record of collectOne(request, source, sink, limits, signal)) records.push(record);
    } catch (thrown) {
      signal.throwIfAborted();
      const error = ERROR_NAMES[codeOf(thrown) ?? ""];
      if (error === undefined || !(thrown instanceof WorkerError)) throw thrown;
      if (request.optional && error === "file-missing-on-worker") continue;
      records.push({ name: request.name, error, message: messageOf(thrown) });
      problems.push(`artifact ${request.name}: ${error}: ${messageOf(thrown)}`);
    }
  }
  return { records, problems };
}

async function* collectOne(
  request: ArtifactRequest,
  source: ArtifactSource,
  sink: ArtifactSink,
  limits: ArtifactLimits,
  signal: AbortSignal,
): AsyncGenerator<ArtifactRecord> {
  const { name, path, contentType = guessContentType(name) } = request;
  if (request.type === "file") {
    const { stream } = await source.getFile(path, { signal, maxBytes: limits.maxBytes });
    yield { ...(await sink.put(name, stream, signal)), contentType };
    return;
  }
  const folder = await source.getFolder(path, {
    signal,
    limits: { maxFiles: limits.maxFiles, maxTotalBytes: limits.maxBytes },
  });
  for await (const file of folder.files) {
    const stored = await sink.put(`${name}/${file.path}`, file.stream, signal);
    yield { ...stored, contentType: guessContentType(file.path) };
  }
}
