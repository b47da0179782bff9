/**
 * Keeps the artifacts of one run with the queue: it gives an address, the bytes go there.
 *
 * Everything may be said again: to create an artifact anew with the same properties is no conflict and brings a new
 * address. Only for the object service that is not so; what it answered, and what is whole, is remembered.
 */
import { createReadStream } from "node:fs";
import { messageOf } from "../../base/errors.ts";
import type { ArtifactDestination, ErrorArtifact, FileArtifact, LinkTarget } from "../driver.ts";
import { QueueError } from "../errors.ts";
import { parseUpload, type UploadAnswer } from "./answers.ts";
import type { TaskclusterApi } from "./api.ts";
import { decodeFile } from "./decoded-file.ts";
import { type ObjectUpload, uploadObject } from "./object-upload.ts";
import { put } from "./put.ts";

/** Limits of the API. */
const MAX_MESSAGE = 4_096;
const CONTENT_TYPE = /^[\x20-\x7e]{1,255}$/;

/** What a destination needs of the run it belongs to. */
export interface RunAccess {
  /** When the task is forgotten: no artifact may stay longer. */
  readonly expires: Date;
  /** Ends what is being sent; nothing is sent afterwards, though the queue would still take it. */
  readonly lost: AbortSignal;
  /** With the newest credentials; a run that is not ours any more makes it throw why. */
  createArtifact<T>(name: string, body: object, parse: (answer: unknown) => T, signal: AbortSignal): Promise<T>;
  finishArtifact(name: string, body: object, signal: AbortSignal): Promise<void>;
}

export interface ArtifactOptions {
  readonly storage: "s3" | "object";
  /** Without a byte in either direction, while a file is sent. */
  readonly silenceMs: number;
}

export class TaskclusterArtifacts implements ArtifactDestination {
  readonly #api: TaskclusterApi;
  readonly #run: RunAccess;
  readonly #options: ArtifactOptions;
  readonly #begun = new Map<string, ObjectUpload>();
  /** Name → hash of the file, of what the object service has as a whole. */
  readonly #kept = new Map<string, string>();

  constructor(api: TaskclusterApi, run: RunAccess, options: ArtifactOptions) {
    this.#api = api;
    this.#run = run;
    this.#options = options;
  }

  async putFile(artifact: FileArtifact, stop: AbortSignal): Promise<void> {
    const signal = this.#whileOurs(stop);
    if (this.#options.storage === "object") return await this.#putObject(artifact, signal);
    const contentType = contentTypeOf(artifact.contentType);
    const answer = await this.#createUpload(artifact, contentType, signal);
    if (answer.storageType !== "s3") throw unexpected(artifact.name);
    const headers: Record<string, string> = { "content-type": contentType };
    if (artifact.contentEncoding !== undefined) headers["content-encoding"] = artifact.contentEncoding;
    const { name, file, sizeBytes } = artifact;
    const upload = { artifact: name, url: answer.putUrl, headers, sizeBytes, open: () => createReadStream(file) };
    await put(upload, { signal, silenceMs: this.#options.silenceMs });
  }

  async putError({ name, reason, message, expires }: ErrorArtifact, signal: AbortSignal): Promise<void> {
    const body = {
      storageType: "error",
      reason,
      message: message.slice(0, MAX_MESSAGE),
      expires: this.#expiry(expires),
    };
    await this.#run.createArtifact(name, body, () => {}, this.#whileOurs(signal));
  }

  async putLink(
    link: { name: string; contentType: string; expires?: Date } & LinkTarget,
    signal: AbortSignal,
  ): Promise<void> {
    const contentType = contentTypeOf(link.contentType);
    const target =
      "artifact" in link
        ? { storageType: "link", artifact: link.artifact }
        : { storageType: "reference", url: link.url };
    const body = { ...target, contentType, expires: this.#expiry(link.expires) };
    await this.#run.createArtifact(link.name, body, () => {}, this.#whileOurs(signal));
  }

  async #putObject(artifact: FileArtifact, signal: AbortSignal): Promise<void> {
    const { name, sha256 } = artifact;
    const kept = this.#kept.get(name);
    if (kept === sha256) return;
    if (kept !== undefined) throw keptAlready(name);
    const contentType = contentTypeOf(artifact.contentType);
    const begun = this.#begun.get(name) ?? (await this.#beginObject(artifact, contentType, signal));
    const file = await decodeFile(artifact, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      throw unreadable(name, error);
    });
    const { silenceMs } = this.#options;
    await uploadObject(this.#api, begun, { artifact: name, contentType, file, silenceMs, signal });
    await this.#run.finishArtifact(name, { uploadId: begun.uploadId }, signal);
    this.#begun.delete(name);
    this.#kept.set(name, sha256);
  }

  async #beginObject(artifact: FileArtifact, contentType: string, signal: AbortSignal): Promise<ObjectUpload> {
    const answer = await this.#createUpload(artifact, contentType, signal);
    if (answer.storageType !== "object") throw unexpected(artifact.name);
    const begun = { ...answer, expires: this.#expiry(artifact.expires) };
    this.#begun.set(artifact.name, begun);
    return begun;
  }

  /** Without its length: older queues do not know that field. */
  #createUpload({ name, expires }: FileArtifact, contentType: string, signal: AbortSignal): Promise<UploadAnswer> {
    const body = { storageType: this.#options.storage, contentType, expires: this.#expiry(expires) };
    return this.#run.createArtifact(name, body, parseUpload, signal);
  }

  /** @throws why it is not ours any more. */
  #whileOurs(signal: AbortSignal): AbortSignal {
    const both = AbortSignal.any([signal, this.#run.lost]);
    both.throwIfAborted();
    return both;
  }

  #expiry(wanted: Date | undefined): string {
    const latest = this.#run.expires;
    return (wanted === undefined || wanted > latest ? latest : wanted).toISOString();
  }
}

function contentTypeOf(contentType: string): string {
  return CONTENT_TYPE.test(contentType) ? contentType : "application/octet-stream";
}

function unexpected(name: string): QueueError {
  const message = `the queue answered with another kind of storage for ${name} than it was asked for`;
  return new QueueError("queue-answer-invalid", message, { blame: "upstream", details: { artifact: name } });
}

function keptAlready(name: string): QueueError {
  const message = `there is another artifact ${name} already, which cannot be replaced; give this one another name`;
  return new QueueError("queue-conflict", message, { blame: "task", details: { artifact: name } });
}

function unreadable(name: string, error: unknown): QueueError {
  const message = `the file of ${name} cannot be unpacked for the object service: ${messageOf(error)}`;
  return new QueueError("artifact-file-unreadable", message, {
    blame: "host",
    cause: error,
    details: { artifact: name },
  });
}
