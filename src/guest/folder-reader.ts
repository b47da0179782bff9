/**
 * Reads the tar stream of a folder that a guest sends.
 *
 * The guest is hostile: only regular files come through, each under a safe name of its own that no other file needs as
 * a folder, within limits. Everything else ends the reading with an error; nothing is skipped but entries of folders,
 * which say nothing.
 */
import { pipeline, Readable } from "node:stream";
import { extract, type Header } from "tar-stream";
import { GuestError } from "./guest-errors.ts";
import { safeRelativePath } from "./safe-path.ts";

export interface FolderLimits {
  /** Of files, and of the folders they are in. */
  maxFiles: number;
  /** Of the contents of all files together. */
  maxTotalBytes: number;
}

export const DEFAULT_FOLDER_LIMITS: Readonly<FolderLimits> = {
  maxFiles: 100_000,
  maxTotalBytes: 64 * 1_024 ** 3,
};

/** Read `stream` to its end before the next file is asked for; what is left unread then is thrown away. */
export interface FolderFile {
  /** Relative to the folder, checked by {@link safeRelativePath}. */
  readonly path: string;
  readonly sizeBytes: number | undefined;
  readonly stream: Readable;
}

/** As deep as the agent goes. */
const MAX_DEPTH = 200;

/** What an entry may need beside its contents: its header, a long name before it, padding. */
const OVERHEAD_BYTES_PER_FILE = 16 * 1_024;

function refuse(what: string): GuestError {
  return new GuestError("folder-refused", `the folder the guest sent is refused: ${what}`);
}

/** Knows which names are taken, and as what. */
export class FolderNames {
  readonly #files = new Set<string>();
  readonly #folders = new Set<string>();
  readonly #maxFiles: number;

  constructor(maxFiles: number) {
    this.#maxFiles = maxFiles;
  }

  /** @throws {GuestError} `unsafe-path` or `folder-refused` */
  add(path: string): string {
    safeRelativePath(path);
    if (path.split("/").length - 1 > MAX_DEPTH) throw refuse(`it has a file in more than ${MAX_DEPTH} folders`);
    if (this.#files.has(path)) throw refuse(`it has ${JSON.stringify(path)} twice`);
    if (this.#folders.has(path)) throw refuse(`${JSON.stringify(path)} is a file and a folder`);
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
      const parent = path.slice(0, end);
      if (this.#files.has(parent)) throw refuse(`${JSON.stringify(parent)} is a file and a folder`);
      if (this.#folders.has(parent)) break;
      this.#folders.add(parent);
    }
    this.#files.add(path);
    if (this.#files.size + this.#folders.size > this.#maxFiles) {
      throw refuse(`it has more than ${this.#maxFiles} files and folders`);
    }
    return path;
  }
}

/** The header of a file, or undefined for what is to be ignored. */
function checkHeader(header: Header, names: FolderNames): { path: string; sizeBytes: number } | undefined {
  const { name, type, size = 0 } = header;
  if (type === "directory") return undefined;
  if (type !== "file") throw refuse(`${JSON.stringify(name.slice(0, 100))} is not a regular file but a ${type}`);
  if (!Number.isSafeInteger(size) || size < 0) throw refuse(`${JSON.stringify(name.slice(0, 100))} has no valid size`);
  return { path: names.add(name), sizeBytes: size };
}

/**
 * The files in `tar`, in its order. Owns `tar`: it is destroyed when the reading ends, however it ends.
 *
 * @throws {GuestError} `folder-refused`, `unsafe-path`; what `tar` fails with, here or from the stream of a file
 */
export async function* readFolder(tar: Readable, limits: Partial<FolderLimits> = {}): AsyncGenerator<FolderFile> {
  const { maxFiles, maxTotalBytes } = { ...DEFAULT_FOLDER_LIMITS, ...limits };
  const names = new FolderNames(maxFiles);
  const source = new TarSource(tar, maxTotalBytes + (maxFiles + 1) * OVERHEAD_BYTES_PER_FILE);
  let totalBytes = 0;
  try {
    for await (const entry of source.archive) {
      const file = checkHeader(entry.header, names);
      totalBytes += file?.sizeBytes ?? 0;
      if (totalBytes > maxTotalBytes) throw refuse(`its files have more than ${maxTotalBytes} bytes together`);
      if (file !== undefined) yield { ...file, stream: Readable.from(source.guard(entry), { objectMode: false }) };
      entry.resume();
    }
    await source.ended;
  } catch (error) {
    throw await source.explain(error);
  } finally {
    source.destroy();
  }
}

/** A tar stream on its way through the decoder, with the one error that explains all others. */
class TarSource {
  readonly archive = extract();
  /** Rejects with what broke the stream first. */
  readonly ended: Promise<void>;
  readonly #tar: Readable;
  #destroyed = false;
  #sourceError: unknown;

  constructor(tar: Readable, maxBytes: number) {
    this.#tar = tar;
    const ended = Promise.withResolvers<void>();
    pipeline(this.#bytes(maxBytes), this.archive, (error) => (error ? ended.reject(error) : ended.resolve()));
    ended.promise.catch(() => {});
    this.ended = ended.promise;
  }

  /** The contents of one entry, whose errors are explained. */
  async *guard(contents: AsyncIterable<unknown>): AsyncGenerator<unknown> {
    try {
      yield* contents;
    } catch (error) {
      throw await this.explain(error);
    }
  }

  /** The first thing that went wrong; what follows from it says less. */
  async explain(error: unknown): Promise<unknown> {
    this.destroy();
    await this.ended.catch(() => {});
    if (this.#sourceError !== undefined) return this.#sourceError;
    if (error instanceof GuestError) return error;
    return new GuestError("folder-refused", "the folder the guest sent is no valid tar stream", { cause: error });
  }

  destroy(): void {
    this.#destroyed = true;
    this.archive.destroy();
    this.#tar.destroy();
  }

  async *#bytes(maxBytes: number): AsyncGenerator<Buffer> {
    let sizeBytes = 0;
    try {
      for await (const chunk of this.#tar as AsyncIterable<Buffer>) {
        sizeBytes += chunk.length;
        if (sizeBytes > maxBytes) throw refuse("it is larger than allowed");
        yield chunk;
      }
    } catch (error) {
      if (!this.#destroyed) this.#sourceError = error;
      throw error;
    }
  }
}
