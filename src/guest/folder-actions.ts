/** Folders out of a guest. */
import { posix } from "node:path";
import type { Readable } from "node:stream";
import type { ActionBoard, ActionOptions } from "./action-board.ts";
import { openBody, type TransferOptions, throwIfRefused } from "./file-actions.ts";
import { DEFAULT_FOLDER_LIMITS, type FolderFile, type FolderLimits, FolderNames, readFolder } from "./folder-reader.ts";
import { GuestError } from "./guest-errors.ts";
import { readJson } from "./request-body.ts";
import { safeRelativePath } from "./safe-path.ts";
import { ServiceError } from "./service-error.ts";

const MAX_LIST_BYTES = 10 * 1_024 * 1_024;

export interface FolderOptions extends Omit<TransferOptions, "maxBytes"> {
  limits?: Partial<FolderLimits>;
}

export interface GuestFolder {
  /** To be iterated once, to its end or with a `return`; see {@link readFolder} for what it throws. */
  readonly files: AsyncGenerator<FolderFile>;
  /** What the guest left out (links, devices, unreadable files); known when `files` has ended. */
  skipped(): number | undefined;
}

/** A folder as one stream. */
export async function openFolder(board: ActionBoard, path: string, options: FolderOptions): Promise<GuestFolder> {
  const { limits, ...rest } = options;
  const { stream, trailers } = await openBody(board, { type: "get-folder", path }, rest);
  return {
    files: readFolder(stream as Readable, limits),
    skipped: () => {
      const count = Number(trailers()["x-boxcar-skipped"]);
      return Number.isSafeInteger(count) && count >= 0 ? count : undefined;
    },
  };
}

/** The same of a guest whose tools know only lists and single files. */
export async function openFolderByFiles(
  board: ActionBoard,
  path: string,
  options: FolderOptions,
): Promise<GuestFolder> {
  const { limits, ...rest } = options;
  const { maxFiles, maxTotalBytes } = { ...DEFAULT_FOLDER_LIMITS, ...limits };
  const paths = await listFolder(board, path, rest);
  const names = new FolderNames(maxFiles);
  for (const name of paths) names.add(name);
  async function* files(): AsyncGenerator<FolderFile> {
    let left = maxTotalBytes;
    for (const name of paths) {
      const action = { type: "get-artifact", path: posix.join(path, name) };
      const { stream, sizeBytes } = await openBody(board, action, { ...rest, maxBytes: left });
      stream.on("data", (chunk: Buffer) => {
        left -= chunk.length;
      });
      stream.pause();
      try {
        yield { path: name, sizeBytes, stream };
        if (!stream.readableEnded) for await (const _ of stream);
      } finally {
        stream.destroy();
      }
    }
  }
  return { files: files(), skipped: () => undefined };
}

/**
 * The regular files below `path`, relative to it.
 *
 * @throws {GuestError} `file-not-found`, `not-a-folder`, `unsafe-path` …
 */
export async function listFolder(board: ActionBoard, path: string, options: ActionOptions): Promise<string[]> {
  return board.start(
    { type: "list-folder", path },
    async (request, resolve) => {
      throwIfRefused(request, path);
      const list = parseList(await readJson(request, MAX_LIST_BYTES));
      if (list.notFound) throw new GuestError("file-not-found", `${path} does not exist in the guest`);
      resolve(list.files.map((file) => relativeTo(path, file)));
    },
    options,
  );
}

function parseList(value: unknown): { files: string[]; notFound: boolean } {
  const { files, notFound } = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  const isList = Array.isArray(files) && files.every((file) => typeof file === "string");
  if (notFound !== true && !isList) throw new ServiceError("InvalidPayload", "files must be a list of strings");
  return { files: isList ? files : [], notFound: notFound === true };
}

/** Guests list whole paths; one that is not below `folder` is an escape. */
function relativeTo(folder: string, file: string): string {
  const base = posix.join(folder, "/");
  if (!file.startsWith(base)) {
    throw new GuestError("unsafe-path", `the guest listed ${JSON.stringify(file.slice(0, 100))}, not below ${folder}`);
  }
  return safeRelativePath(file.slice(base.length));
}
