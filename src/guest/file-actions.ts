/** Files into a guest and out of it. */
import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import type { ActionBoard, ActionOptions } from "./action-board.ts";
import { GuestError, refusalOf } from "./guest-errors.ts";
import { ReplyStream } from "./reply-stream.ts";
import { readBody } from "./request-body.ts";

export const MAX_JSON_BYTES = 1_024 * 1_024;

export interface TransferOptions extends ActionOptions {
  /** More than this breaks the transfer off with `file-too-large`; default: no limit. */
  maxBytes?: number | undefined;
  /** How long the guest may be silent while it sends; default 60 s. */
  idleTimeoutMs?: number | undefined;
}

/** To be read to its end or destroyed; the guest is held up until then. */
export interface GuestFile {
  readonly stream: Readable;
  /** As the guest says; undefined if it does not know. The stream ends with an error if it turns out wrong. */
  readonly sizeBytes: number | undefined;
}

export interface PutFileOptions extends ActionOptions {
  /** Permission bits; default 0o644. */
  mode?: number;
  /** Owner of the file, and of the folders made for it; the image's default if it is left out. */
  user?: string;
}

/** @throws {GuestError} if the guest says with its header that it cannot do what it was asked for. */
export function throwIfRefused(request: IncomingMessage, subject: string): void {
  const header = request.headers["x-taskcluster-worker-error"];
  if (header === undefined) return;
  request.resume();
  throw refusalOf(String(header), subject);
}

function sizeOf(request: IncomingMessage): number | undefined {
  const length = request.headers["content-length"];
  return length === undefined ? undefined : Number(length);
}

/** The bodies of get-artifact and get-folder alike; `trailers` are there when the stream has ended. */
export async function openBody(
  board: ActionBoard,
  action: { type: string; path: string },
  options: TransferOptions,
): Promise<GuestFile & { trailers: () => NodeJS.Dict<string> }> {
  return board.start(
    action,
    async (request, resolve) => {
      throwIfRefused(request, action.path);
      const sizeBytes = sizeOf(request);
      if (sizeBytes !== undefined && sizeBytes > (options.maxBytes ?? Number.POSITIVE_INFINITY)) {
        throw new GuestError(
          "file-too-large",
          `${action.path} has ${sizeBytes} bytes, more than the ${options.maxBytes} that are allowed`,
        );
      }
      const stream = new ReplyStream(request, {
        subject: action.path,
        maxBytes: options.maxBytes,
        idleTimeoutMs: options.idleTimeoutMs,
      });
      resolve({ stream, sizeBytes, trailers: () => request.trailers });
      // Whoever reads the stream gets its error.
      await finished(stream).catch(() => {});
    },
    options,
  );
}

/** @see ActionBoard.start for what is thrown. */
export async function putFile(
  board: ActionBoard,
  path: string,
  content: Uint8Array | Readable,
  options: PutFileOptions,
): Promise<void> {
  let used = false;
  const open = (): Readable => {
    if (!(content instanceof Readable)) return Readable.from([content], { objectMode: false });
    if (used) throw new GuestError("guest-protocol-error", `the guest asked twice for the content of ${path}`);
    used = true;
    return content;
  };
  const { mode, user, ...rest } = options;
  const action = {
    type: "put-file",
    path,
    ...(mode === undefined ? {} : { mode }),
    ...(user === undefined ? {} : { user }),
  };
  await board.start<void>(
    action,
    async (request, resolve) => {
      throwIfRefused(request, path);
      await readBody(request, MAX_JSON_BYTES);
      resolve();
    },
    { ...rest, content: open },
  );
}
