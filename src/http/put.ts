/**
 * Uploads a file over HTTP, as a whole. Whatever may pass by itself is tried again with growing pauses: network errors,
 * silence, 408, 409 with `Retry-After`, 429 and 5xx. Redirects are not followed: they would be sent the content too.
 */
import { once } from "node:events";
import type { ClientRequest, IncomingMessage } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { orAborted, orTimeout } from "../base/abort.ts";
import { messageOf, WorkerError } from "../base/errors.ts";
import { showUrl } from "./download.ts";
import { DownloadError } from "./download-error.ts";

export interface PutOptions {
  /** Of the request; `content-length` among them. */
  headers: Readonly<Record<string, string>>;
  /** Called for each attempt. */
  open: () => AsyncIterable<Uint8Array>;
  signal?: AbortSignal | undefined;
  /** Of the attempt under way. */
  onProgress?: ((doneBytes: number) => void) | undefined;
  /** What it is, for messages; default "the file". */
  subject?: string;
  /** Default 5. */
  maxAttempts?: number;
  /** Pause after the first failure, doubled each time; default 500 ms. */
  backOffMs?: number;
  /** Silence that counts as a broken connection; default 60 s. */
  stallMs?: number;
}

export interface PutAnswer {
  readonly status: number;
  /** At most {@link MAX_ANSWER_BYTES} of it. */
  readonly body: Buffer;
}

const MAX_ANSWER_BYTES = 64 * 1_024;
/** A server that has all of it may have to look through it before it answers. */
const ANSWER_STALLS = 10;

/**
 * Resolves with any answer that another attempt would not change.
 *
 * @throws {DownloadError} `download-failed`; `signal.reason`.
 */
export async function put(url: URL, options: PutOptions): Promise<PutAnswer> {
  const { maxAttempts = 5, backOffMs = 500, signal, subject = "the file" } = options;
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    const answer = await tryPut(url, options);
    if (!(answer instanceof Error) && !isPassing(answer)) return answer;
    if (attempt >= maxAttempts) {
      const why = answer instanceof Error ? messageOf(answer) : `the server answered ${answer.status}`;
      const message = `${subject} could not be sent to ${showUrl(url)}: ${why} (after ${attempt} attempts)`;
      throw new DownloadError("download-failed", message, { blame: "upstream", cause: answer });
    }
    await orAborted(delay(backOffMs * 2 ** (attempt - 1), undefined, { signal }), signal);
  }
}

type Heard = PutAnswer & { readonly retryAfter: string | undefined };

function isPassing({ status, retryAfter }: Heard): boolean {
  return status >= 500 || status === 408 || status === 429 || (status === 409 && retryAfter !== undefined);
}

/** The answer, or what went wrong with the connection. */
async function tryPut(url: URL, { headers, open, signal, onProgress, stallMs = 60_000 }: PutOptions) {
  // See get.ts for why it is not imported.
  const { request } = process.getBuiltinModule(url.protocol === "https:" ? "node:https" : "node:http");
  const asked = request(url, { method: "PUT", headers: { "user-agent": "boxcar", ...headers }, agent: false });
  const answered = once(asked, "response") as Promise<[IncomingMessage]>;
  answered.catch(() => {});
  asked.on("error", () => {});
  try {
    // A server that refuses says so before it has heard all; then the rest is of no use.
    const early = await Promise.race([answered, send(asked, open(), { signal, onProgress, stallMs })]);
    const [response] =
      early ??
      (await orAborted(
        orTimeout(answered, stallMs * ANSWER_STALLS, () => silence(stallMs)),
        signal,
      ));
    return await orAborted(
      orTimeout(hear(response), stallMs, () => silence(stallMs)),
      signal,
    );
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof WorkerError) throw error;
    return error instanceof Error ? error : new Error(messageOf(error));
  } finally {
    asked.destroy();
  }
}

async function send(
  asked: ClientRequest,
  body: AsyncIterable<Uint8Array>,
  { signal, onProgress, stallMs }: Required<Pick<PutOptions, "signal" | "onProgress" | "stallMs">>,
): Promise<undefined> {
  let doneBytes = 0;
  for await (const chunk of body) {
    if (asked.destroyed) return undefined;
    if (!asked.write(chunk))
      await orAborted(
        orTimeout(moved(asked), stallMs, () => silence(stallMs)),
        signal,
      );
    doneBytes += chunk.length;
    onProgress?.(doneBytes);
  }
  asked.end();
  return undefined;
}

/** Resolves when more can be written, or when nothing can any more. */
async function moved(asked: ClientRequest): Promise<void> {
  const over = new AbortController();
  try {
    await Promise.race([once(asked, "drain", over), once(asked, "close", over)]);
  } finally {
    over.abort();
  }
}

function silence(stallMs: number): Error {
  return new Error(`nothing moved for ${stallMs} ms`);
}

async function hear(response: IncomingMessage): Promise<Heard> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    parts.push(part.subarray(0, MAX_ANSWER_BYTES - bytes));
    bytes += part.length;
    if (bytes >= MAX_ANSWER_BYTES) break;
  }
  return {
    status: response.statusCode ?? 0,
    body: Buffer.concat(parts),
    retryAfter: response.headers["retry-after"],
  };
}
