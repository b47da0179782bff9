/**
 * A registry behind a URL: the one of a worker, or for those who only pull any web server over the folder of one.
 */
import { createReadStream } from "node:fs";
import type { RegistryTag } from "../../generated/registry-tag.ts";
import { Download, type DownloadOptions, showUrl } from "../../http/download.ts";
import { DownloadError } from "../../http/download-error.ts";
import { type PutAnswer, type PutOptions, put } from "../../http/put.ts";
import { MAX_ENVELOPE_BYTES } from "../../signing/dsse.ts";
import { formatSignature, type ImageSignature, parseImageSignature } from "../../signing/image-signature.ts";
import { ImageError } from "../errors.ts";
import { requireTagName } from "../store/reference.ts";
import { boundedSource } from "./bounded-source.ts";
import {
  blobMissing,
  formatDocument,
  MAX_LIST_BYTES,
  MAX_TAG_BYTES,
  parseTag,
  parseTagList,
  sha256OfDigest,
} from "./documents.ts";
import type { ArchiveFile, PutBlobOptions, Registry, RegistryOptions } from "./registry.ts";
import { signatureConflict } from "./signature-conflict.ts";

export interface HttpRegistryOptions {
  /** Sent as a bearer token, to this server only. */
  token?: string | undefined;
  /** How often, and how long, is tried. */
  tries?: Pick<DownloadOptions, "maxAttempts" | "backOffMs" | "stallMs">;
  /** See {@link DownloadOptions}. */
  admit?: DownloadOptions["admit"];
}

export class HttpRegistry implements Registry {
  readonly description: string;
  readonly #base: URL;
  readonly #options: HttpRegistryOptions;

  private constructor(base: URL, options: HttpRegistryOptions) {
    this.#base = base;
    this.#options = options;
    this.description = `the registry ${showUrl(base).replace(/\/$/, "")}`;
  }

  /** @throws {@link ImageError} `registry-unusable` */
  static at(url: string, options: HttpRegistryOptions = {}): HttpRegistry {
    const base = URL.parse(url.endsWith("/") ? url : `${url}/`);
    if (base === null || !/^https?:$/.test(base.protocol) || base.search !== "" || base.hash !== "") {
      const message = `${JSON.stringify(url.slice(0, 200))} is no URL of a registry: http:// or https://, without a query`;
      throw new ImageError("registry-unusable", message, { blame: "task" });
    }
    return new HttpRegistry(base, options);
  }

  async tags({ signal }: RegistryOptions = {}): Promise<RegistryTag[]> {
    const bytes = await this.#fetch("tags.json", MAX_LIST_BYTES, signal);
    if (bytes !== undefined) return parseTagList(bytes, this.description);
    const message = `${this.description} has no list of its names; ask for one of them`;
    throw new ImageError("registry-unlisted", message, { blame: "task" });
  }

  async tag(name: string, { signal }: RegistryOptions = {}): Promise<RegistryTag | undefined> {
    const bytes = await this.#fetch(tagPath(name), MAX_TAG_BYTES, signal);
    return bytes && parseTag(bytes, name, this.description);
  }

  async signature(digest: string, { signal }: RegistryOptions = {}): Promise<ImageSignature | undefined> {
    const bytes = await this.#fetch(signaturePath(digest), MAX_ENVELOPE_BYTES, signal);
    return bytes && parseImageSignature(bytes, digest, `The signature of ${digest} in ${this.description}`);
  }

  async has(digest: string, { signal }: RegistryOptions = {}): Promise<boolean> {
    const download = await this.#start(blobPath(digest), signal);
    await download?.[Symbol.asyncDispose]();
    return download !== undefined;
  }

  async openBlob(digest: string, { signal, maxBytes }: RegistryOptions & { maxBytes: number }) {
    const download = await this.#start(blobPath(digest), signal, digest);
    if (download === undefined) throw blobMissing(digest, this.description);
    try {
      const source = boundedSource(download, maxBytes, this.description);
      return { ...source, [Symbol.asyncDispose]: () => download[Symbol.asyncDispose]() };
    } catch (error) {
      await download[Symbol.asyncDispose]();
      throw error;
    }
  }

  async putBlob({ digest, file, bytes }: ArchiveFile, { signal, onProgress }: PutBlobOptions = {}): Promise<boolean> {
    if (await this.has(digest, { signal })) return false;
    const { status } = await this.#put(blobPath(digest), {
      headers: {
        "content-type": "application/zstd",
        "content-length": String(bytes),
        "content-digest": `sha-256=:${Buffer.from(sha256OfDigest(digest), "hex").toString("base64")}:`,
        "if-none-match": "*",
      },
      open: () => createReadStream(file, { highWaterMark: 1_024 * 1_024 }),
      subject: `the archive ${digest}`,
      onProgress: (doneBytes) => onProgress?.({ doneBytes, totalBytes: bytes }),
      signal,
    });
    // Somebody else has sent it meanwhile.
    return status !== 412;
  }

  async putSignature(signature: ImageSignature, { signal }: RegistryOptions = {}): Promise<void> {
    const { digest } = signature.statement;
    const { status } = await this.#put(signaturePath(digest), jsonBody(formatSignature(signature), signal), [409]);
    if (status === 409) throw signatureConflict(digest, this.description);
  }

  async putTag(tag: RegistryTag, { signal }: RegistryOptions = {}): Promise<void> {
    await this.#put(tagPath(tag.name), jsonBody(formatDocument(tag), signal));
  }

  /** Undefined if it is not there. */
  async #fetch(path: string, maxBytes: number, signal: AbortSignal | undefined): Promise<Buffer | undefined> {
    await using download = await this.#start(path, signal);
    if (download === undefined) return undefined;
    const parts: Uint8Array[] = [];
    const source = boundedSource(download, maxBytes, this.description);
    for await (const part of source.open(signal ?? new AbortController().signal)) parts.push(part);
    return Buffer.concat(parts);
  }

  async #start(path: string, signal: AbortSignal | undefined, digest?: string): Promise<Download | undefined> {
    const { tries, admit } = this.#options;
    try {
      return await Download.start(this.#url(path).href, {
        ...tries,
        ...(admit === undefined ? {} : { admit }),
        ...(digest === undefined ? {} : { sha256: sha256OfDigest(digest) }),
        subject: path,
        signal,
        headers: async (target) => this.#headersFor(target),
      });
    } catch (error) {
      if (error instanceof DownloadError && error.details["status"] === 404) return undefined;
      if (error instanceof DownloadError) throw this.#explained(error);
      throw error;
    }
  }

  async #put(path: string, options: PutOptions, expected: readonly number[] = []): Promise<PutAnswer> {
    const url = this.#url(path);
    const answer = await put(url, {
      ...this.#options.tries,
      ...options,
      headers: { ...options.headers, ...this.#headersFor(url) },
    });
    const { status, body } = answer;
    if ((status >= 200 && status < 300) || status === 412 || expected.includes(status)) return answer;
    const message = `${this.description} does not take ${path}: ${saidBy(body) ?? `it answers ${status}`}${hintFor(status)}`;
    throw new ImageError("registry-refused", message, { blame: "task", details: { status } });
  }

  #explained(error: DownloadError): DownloadError | ImageError {
    const { status } = error.details;
    if (status !== 401 && status !== 403) return error;
    const message = `${error.message}${hintFor(status)}`;
    return new ImageError("registry-refused", message, { blame: "task", cause: error, details: { status } });
  }

  /** A server that a redirect leads to is not told the token. */
  #headersFor({ origin }: URL): Record<string, string> {
    const { token } = this.#options;
    return token === undefined || origin !== this.#base.origin ? {} : { authorization: `Bearer ${token}` };
  }

  #url(path: string): URL {
    return new URL(path, this.#base);
  }
}

function tagPath(name: string): string {
  return `tags/${requireTagName(name)}.json`;
}

function signaturePath(digest: string): string {
  return `signatures/${sha256OfDigest(digest)}.json`;
}

function blobPath(digest: string): string {
  return `blobs/${sha256OfDigest(digest)}.tar.zst`;
}

function jsonBody(text: string, signal: AbortSignal | undefined): PutOptions {
  const bytes = Buffer.from(text);
  return {
    headers: { "content-type": "application/json", "content-length": String(bytes.length) },
    async *open() {
      yield bytes;
    },
    subject: "the document",
    signal,
  };
}

/** What the server says about it, where it says it as a worker does. */
function saidBy(body: Buffer): string | undefined {
  try {
    const { message } = JSON.parse(body.toString("utf8")) as { message?: unknown };
    return typeof message === "string" ? message.slice(0, 500) : undefined;
  } catch {
    return undefined;
  }
}

function hintFor(status: unknown): string {
  switch (status) {
    case 401:
    case 403:
      return '; give this registry a token in images.registries, made there with "boxcar token create"';
    case 404:
    case 405:
    case 501:
      return "; to push needs a worker, http://HOST:PORT/api/v1/registry, or the folder behind this web server";
    default:
      return "";
  }
}
