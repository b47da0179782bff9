import type { IncomingMessage } from "node:http";
import { ServiceError } from "./service-error.ts";

/**
 * The whole body, if it has at most `maxBytes`.
 *
 * @throws {ServiceError} `InvalidPayload` if it is longer, or was cut off.
 */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const tooLong = () => new ServiceError("InvalidPayload", `the body is longer than ${maxBytes} bytes`);
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) throw tooLong();
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  const ended = Promise.withResolvers<void>();
  // Not an async iterator: leaving that early would destroy the connection before it could be answered.
  const onData = (chunk: Buffer) => {
    sizeBytes += chunk.length;
    if (sizeBytes > maxBytes) ended.reject(tooLong());
    else chunks.push(chunk);
  };
  request.on("data", onData);
  request.on("end", ended.resolve);
  request.on("error", () => {});
  request.on("close", () => ended.reject(new ServiceError("InvalidPayload", "the body was cut off")));
  try {
    await ended.promise;
  } finally {
    request.off("data", onData);
    request.pause();
  }
  return Buffer.concat(chunks);
}

/**
 * The body as JSON; undefined if there is none.
 *
 * @throws {ServiceError} `InvalidPayload`
 */
export async function readJson(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  const body = await readBody(request, maxBytes);
  if (body.length === 0) return undefined;
  const type = request.headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase();
  if (type !== "application/json") throw new ServiceError("InvalidPayload", "Content-Type must be application/json");
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    throw new ServiceError("InvalidPayload", "the body is not JSON");
  }
}
