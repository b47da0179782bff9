/** A tar archive of files that are mostly holes. The same files give the same bytes; zeros are not stored. */
import { constants, type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import type { Scope } from "../../base/scope.ts";
import { tryMapData } from "../qemu-img.ts";
import { findData } from "./data-map.ts";
import { readAhead } from "./read-ahead.ts";
import type { Segment } from "./sparse-map.ts";
import { buildFileHeaders, buildSparseHeaders, END_OF_ARCHIVE, paddingAfter } from "./tar-blocks.ts";

/** A file that will be in the archive, open. */
export interface PlannedFile {
  file: FileHandle;
  headers: Buffer;
  segments: readonly Segment[];
  dataBytes: number;
}

export interface TarStreamOptions {
  signal?: AbortSignal | undefined;
  /** Bytes of the files that went into the archive, and how many there are without holes. */
  onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
}

/** Of the whole archive. */
export function contentBytesOf(plan: readonly PlannedFile[]): number {
  return plan.reduce((sum, { headers, dataBytes }) => {
    return sum + headers.length + dataBytes + paddingAfter(dataBytes).length;
  }, END_OF_ARCHIVE.length);
}

/** @param scope Gets the open file. */
export async function planFile(
  directory: string,
  name: string,
  scope: Scope,
  signal: AbortSignal | undefined,
): Promise<PlannedFile> {
  const file = scope.use(await open(join(directory, name), constants.O_RDONLY | constants.O_NOFOLLOW));
  const { size, blocks } = await file.stat();
  const extents = blocks * 512 < size ? await tryMapData(join(directory, name), { signal }) : undefined;
  const segments = await findData(file, size, { extents, signal });
  const dataBytes = segments.reduce((sum, { bytes }) => sum + bytes, 0);
  const headers = dataBytes === size ? buildFileHeaders(name, size) : buildSparseHeaders(name, size, segments);
  return { file, headers, segments, dataBytes };
}

/** A chunk may be used until the next one is asked for. */
export async function* tarStream(
  plan: readonly PlannedFile[],
  { signal, onProgress }: TarStreamOptions,
): AsyncGenerator<Buffer> {
  const total = plan.reduce((sum, { dataBytes }) => sum + dataBytes, 0);
  let done = 0;
  for (const { file, headers, segments, dataBytes } of plan) {
    yield headers;
    for await (const { chunk } of readAhead(file, segments)) {
      signal?.throwIfAborted();
      yield chunk;
      done += chunk.length;
      onProgress?.(done, total);
    }
    const padding = paddingAfter(dataBytes);
    if (padding.length > 0) yield padding;
  }
  yield END_OF_ARCHIVE;
}
