/**
 * One HTTP PUT of a known number of bytes; one attempt.
 *
 *   connect → body ──┬─▶ answer ─▶ 2xx | QueueError
 *                    └─▶ an answer before the end: the rest is not sent
 */
import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Readable } from "node:stream";
import { orAborted, orTimeout } from "../../base/abort.ts";
import { messageOf } from "../../base/errors.ts";
import { QueueError } from "../errors.ts";
import { type StoreFacts, storeBroken, storeRefusal } from "./store-errors.ts";

const MAX_ANSWER_BYTES = 16 * 1_024;

export interface Upload {
  readonly artifact: string;
  /** Signed: it must not be shown. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly sizeBytes: number;
  /** A new stream of the bytes; destroyed when the upload ends, however it does. */
  readonly open: () => Readable;
}

export interface PutOptions {
  readonly signal: AbortSignal;
  /** Without a byte in either direction. */
  readonly silenceMs: number;
}

/**
 * @throws {QueueError} blame upstream: it may work next time. task, host: it will not; in the words of the store.
 * @throws `signal.reason`
 */
export async function put(upload: Upload, { signal, silenceMs }: PutOptions): Promise<void> {
  signal.throwIfAborted();
  const url = URL.parse(upload.url);
  const facts: StoreFacts = { artifact: upload.artifact, host: url?.host ?? "(no URL)" };
  if (url === null || !/^https?:$/.test(url.protocol)) {
    const message = `the queue gave an address for ${upload.artifact} that is no http:// or https:// URL`;
    throw new QueueError("queue-answer-invalid", message, {
      blame: "upstream",
      details: { artifact: upload.artifact },
    });
  }
  const request = url.protocol === "https:" ? httpsRequest : httpRequest;
  const headers = { ...lowerCased(upload.headers), "content-length": String(upload.sizeBytes) };
  const outgoing = request(url, { method: "PUT", headers, agent: false, timeout: silenceMs });
  try {
    const { response, complete } = await orAborted(exchange(outgoing, upload, silenceMs), signal);
    const { statusCode = 0 } = response;
    const isAccepted = statusCode >= 200 && statusCode < 300;
    if (isAccepted && complete) return;
    if (isAccepted) throw storeBroken("it was answered before its end", facts);
    const body = await orAborted(orTimeout(beginning(response), silenceMs, silence), signal).catch(() => "");
    signal.throwIfAborted();
    throw storeRefusal(statusCode, body, facts);
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof QueueError ? error : storeBroken(messageOf(error), facts);
  } finally {
    outgoing.destroy();
  }
}

/** Sends the body, and resolves with the answer as soon as there is one. */
function exchange(
  outgoing: ClientRequest,
  upload: Upload,
  silenceMs: number,
): Promise<{ response: IncomingMessage; complete: boolean }> {
  const answer = Promise.withResolvers<{ response: IncomingMessage; complete: boolean }>();
  const source = upload.open();
  let sent = 0;
  outgoing.on("timeout", () => answer.reject(new Error(`nothing moved for ${silenceMs} ms`)));
  outgoing.on("error", answer.reject);
  outgoing.on("close", () => answer.reject(new Error("the connection was closed")));
  outgoing.on("response", (response) => {
    response.on("error", () => {});
    // A store that has counted the bytes may answer before the file says that it is at its end.
    answer.resolve({ response, complete: sent === upload.sizeBytes });
  });
  source.on("data", (chunk: Buffer) => {
    sent += chunk.length;
    if (sent > upload.sizeBytes) answer.reject(fileFault(upload, `it has more than ${upload.sizeBytes} bytes`));
    else if (!outgoing.write(chunk)) source.pause();
  });
  outgoing.on("drain", () => source.resume());
  source.on("error", (error) => answer.reject(fileFault(upload, messageOf(error))));
  source.on("end", () => {
    if (sent === upload.sizeBytes) outgoing.end();
    else answer.reject(fileFault(upload, `it has ${sent} bytes instead of ${upload.sizeBytes}`));
  });
  return answer.promise.finally(() => source.destroy());
}

function fileFault({ artifact }: Upload, why: string): QueueError {
  const message = `the file of ${artifact} cannot be read: ${why}; free disk space, or look for who changed it`;
  return new QueueError("artifact-file-unreadable", message, { blame: "host", details: { artifact } });
}

async function beginning(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    chunks.push(chunk as Buffer);
    bytes += (chunk as Buffer).length;
    if (bytes >= MAX_ANSWER_BYTES) break;
  }
  return Buffer.concat(chunks).toString("utf8").slice(0, MAX_ANSWER_BYTES);
}

function silence(): Error {
  return new Error("the answer stopped");
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
