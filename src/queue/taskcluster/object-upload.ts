/** Sends a file to Taskcluster's object service; every step may be repeated. */
import { codeOf } from "../../base/errors.ts";
import { QueueError } from "../errors.ts";
import { parsePutUrl } from "./answers.ts";
import { ignoreAnswer, type TaskclusterApi } from "./api.ts";
import type { DecodedFile } from "./decoded-file.ts";
import type { Credentials } from "./options.ts";
import { put } from "./put.ts";

/** What the queue answered when the artifact was created. */
export interface ObjectUpload {
  readonly name: string;
  readonly projectId: string;
  readonly uploadId: string;
  readonly credentials: Credentials;
  /** The one the artifact was created with. */
  readonly expires: string;
}

export interface ObjectUploadOptions {
  readonly artifact: string;
  readonly contentType: string;
  readonly file: DecodedFile;
  readonly silenceMs: number;
  readonly signal: AbortSignal;
}

/** @throws {QueueError} As {@link put}, and as the API. */
export async function uploadObject(
  api: TaskclusterApi,
  { name, projectId, uploadId, credentials, expires }: ObjectUpload,
  { artifact, contentType, file, silenceMs, signal }: ObjectUploadOptions,
): Promise<void> {
  const method = { contentType, contentLength: file.sizeBytes };
  const create = { projectId, uploadId, expires, proposedUploadMethods: { putUrl: method } };
  const created = { call: "createUpload", credentials, parse: parsePutUrl, refusalBlame: "host", signal } as const;
  const target = await api
    .object(created, (object) => object.createUpload(name, create))
    .catch((error: unknown) => {
      // It was whole already, and only the answer that said so was lost; the hash below tells if not.
      if (codeOf(error) === "queue-conflict") return "complete" as const;
      throw error;
    });
  if (target === undefined) throw noMethod(artifact);
  if (target !== "complete") {
    const upload = { artifact, url: target.url, headers: target.headers, sizeBytes: file.sizeBytes, open: file.open };
    await put(upload, { signal, silenceMs });
  }
  const finish = { projectId, uploadId, hashes: { sha256: file.sha256 } };
  const finished = { call: "finishUpload", credentials, parse: ignoreAnswer, refusalBlame: "host", signal } as const;
  await api.object(finished, (object) => object.finishUpload(name, finish));
}

function noMethod(artifact: string): QueueError {
  const message = `the object service cannot take ${artifact}: it offers no address to send it to; set queue.taskcluster.artifactStorage to s3`;
  return new QueueError("artifact-store-refused", message, { blame: "host", details: { artifact } });
}
