/** Where the fake queue keeps artifacts: a store that takes signed PUTs, and the object service's book. */
import { createHash, randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";

export interface FakeArtifact {
  readonly storageType: string;
  readonly contentType: string;
  readonly expires: Date;
  readonly details: Readonly<Record<string, unknown>>;
  present: boolean;
}

export interface StoredFile {
  readonly bytes: Buffer;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
}

export interface FakeObject {
  readonly projectId: string;
  readonly uploadId: string;
  readonly expires: string;
  finished: boolean;
  hashes: Readonly<Record<string, string>>;
}

interface Signature {
  readonly key: string;
  readonly contentType: string;
  readonly contentLength?: number;
}

export class FakeStore {
  /** By key: "<taskId>/<runId>/<name>". */
  readonly files = new Map<string, StoredFile>();
  readonly objects = new Map<string, FakeObject>();
  readonly #signatures = new Map<string, Signature>();
  /** Token → key of the file that may be had with it. */
  readonly #downloads = new Map<string, string>();

  /** Path and query of an address that takes one kind of file. */
  sign(signature: Signature): string {
    const token = randomBytes(16).toString("hex");
    this.#signatures.set(token, signature);
    return `/store/${encodeURIComponent(signature.key)}?X-Amz-Signature=${token}`;
  }

  /** Makes every address given so far as good as expired. */
  expireSignatures(): void {
    this.#signatures.clear();
    this.#downloads.clear();
  }

  /** Path and query of an address that gives a file out. */
  signDownload(key: string): string {
    const token = randomBytes(16).toString("hex");
    this.#downloads.set(token, key);
    return `/store/${encodeURIComponent(key)}?X-Amz-Signature=${token}`;
  }

  /** As S3: with ranges and entity tags; what was stored packed comes packed. */
  get(request: IncomingMessage, response: ServerResponse, url: URL): void {
    const key = this.#downloads.get(url.searchParams.get("X-Amz-Signature") ?? "");
    const file = key === undefined ? undefined : this.files.get(key);
    if (file === undefined) {
      const { status, body } = refusal("AccessDenied", "Request has expired", url);
      response.writeHead(status, { "content-type": "application/xml" }).end(body);
      return;
    }
    const { bytes, contentType, contentEncoding } = file;
    const headers = {
      etag: `"${createHash("md5").update(bytes).digest("hex")}"`,
      ...(contentType === undefined ? {} : { "content-type": contentType }),
      ...(contentEncoding === undefined ? {} : { "content-encoding": contentEncoding }),
    };
    const first = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? Number.NaN);
    if (Number.isNaN(first)) {
      response.writeHead(200, { ...headers, "content-length": bytes.length }).end(bytes);
      return;
    }
    const range = `bytes ${first}-${bytes.length - 1}/${bytes.length}`;
    response.writeHead(206, { ...headers, "content-range": range }).end(bytes.subarray(first));
  }

  async put(request: IncomingMessage, url: URL): Promise<{ status: number; body: string }> {
    const signature = this.#signatures.get(url.searchParams.get("X-Amz-Signature") ?? "");
    const { headers } = request;
    if (signature === undefined) return refusal("AccessDenied", "Request has expired", url);
    const length = headers["content-length"];
    if (length === undefined) return { status: 411, body: xml("MissingContentLength", "no length", url) };
    const isSigned =
      headers["content-type"] === signature.contentType &&
      (signature.contentLength === undefined || signature.contentLength === Number(length));
    if (!isSigned) return refusal("SignatureDoesNotMatch", "The request signature does not match", url);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { "content-type": contentType, "content-encoding": contentEncoding } = headers;
    this.files.set(signature.key, { bytes: Buffer.concat(chunks), contentType, contentEncoding });
    return { status: 200, body: "" };
  }
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function refusal(code: string, message: string, url: URL): { status: number; body: string } {
  return { status: 403, body: xml(code, message, url) };
}

/** As S3 does it, with more in it than anybody should repeat. */
function xml(code: string, message: string, url: URL): string {
  const signature = url.searchParams.get("X-Amz-Signature");
  return `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message><SignatureProvided>${signature}</SignatureProvided></Error>`;
}
