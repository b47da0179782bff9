/** Where the bytes of an archive come from. */
import { createHash } from "node:crypto";
import { open, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { codeOf } from "../../base/errors.ts";
import { ImageError } from "../errors.ts";

export interface ArchiveSource {
  /**
   * The same for the same contents, and never for others: who asks for it while it is being imported gets that
   * import, who asks later gets its result. undefined: nothing is known, and nothing shared.
   */
  readonly key: string | undefined;
  /** Length of the archive, where it is known; maybe only when it is prepared. */
  readonly bytes: number | undefined;
  /** What its digest must be, in hexadecimal. */
  readonly sha256: string | undefined;
  /**
   * Called before `open`, and only if it will be imported, not where somebody else does that already.
   *
   * @param signal Fires when the import is over, however it ends.
   */
  prepare?(signal: AbortSignal): Promise<void>;
  /** Called at most once. */
  open(signal: AbortSignal): AsyncIterable<Uint8Array>;
}

const READ_BYTES = 1_024 * 1_024;

/** @throws {@link ImageError} `image-not-found` unless there is a plain file. */
export async function fileSource(path: string): Promise<ArchiveSource> {
  const stats = await stat(path, { bigint: true }).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
    throw error;
  });
  if (stats === undefined || !stats.isFile()) {
    const what = stats === undefined ? "there is no file" : "this is no plain file:";
    throw new ImageError("image-not-found", `${what} ${path}`, { blame: "task" });
  }
  const identity = ({ dev, ino, size, mtimeNs, ctimeNs }: typeof stats) => [dev, ino, size, mtimeNs, ctimeNs].join(" ");
  const expected = identity(stats);
  return {
    key: `file ${resolve(path)} ${expected}`,
    bytes: Number(stats.size),
    sha256: undefined,
    async *open() {
      await using file = await open(path, "r");
      for (;;) {
        const buffer = Buffer.allocUnsafe(READ_BYTES);
        const { bytesRead } = await file.read(buffer, 0, READ_BYTES);
        if (bytesRead === 0) break;
        yield buffer.subarray(0, bytesRead);
      }
      if (identity(await file.stat({ bigint: true })) !== expected) {
        throw new ImageError("archive-corrupt", `${path} was changed while it was read`, { blame: "task" });
      }
    },
  };
}

/** A stream that can be read once. */
export function streamSource(stream: AsyncIterable<Uint8Array>, sha256?: string): ArchiveSource {
  return { key: undefined, bytes: undefined, sha256, open: () => stream };
}

/** The name under which something about a source is kept. */
export function keyHash(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}
