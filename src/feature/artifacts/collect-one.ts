/** One file or one folder out of a guest, into the store of this host. */
import type { Readable } from "node:stream";
import type { StoredArtifact } from "./record.ts";
import type { ArtifactRequest } from "./request.ts";
import { throwIfReserved } from "./reserved-names.ts";
import { type ArtifactSink, type ArtifactTraits, storeArtifact } from "./store-artifact.ts";

/** What is needed of a guest. Relative paths start in the directory of the command. */
export interface ArtifactSource {
  getFile(path: string, options: { signal: AbortSignal; maxBytes: number }): Promise<{ stream: Readable }>;
  getFolder(
    path: string,
    options: { signal: AbortSignal; limits: { maxFiles: number; maxTotalBytes: number } },
  ): Promise<{ files: AsyncIterable<{ path: string; stream: Readable }> }>;
  /** The files below a folder, relative to it. */
  listFolder(path: string, options: { signal: AbortSignal }): Promise<readonly string[]>;
}

/** On all that one artifact of the payload stands for, as it is in the guest. */
export interface ArtifactLimits {
  readonly maxBytes: number;
  readonly maxFiles: number;
}

export interface CollectOptions extends ArtifactLimits {
  readonly signal: AbortSignal;
}

export async function* collectFile(
  request: ArtifactRequest,
  source: ArtifactSource,
  sink: ArtifactSink,
  { maxBytes, signal }: CollectOptions,
): AsyncGenerator<StoredArtifact> {
  throwIfReserved(request.name);
  const { stream } = await source.getFile(request.path, { signal, maxBytes });
  yield await keep(sink, request, stream, signal);
}

/** @param only Of which files; undefined: of all. */
export async function* collectFolder(
  request: ArtifactRequest,
  source: ArtifactSource,
  sink: ArtifactSink,
  { maxBytes, maxFiles, signal }: CollectOptions,
  only?: ReadonlySet<string>,
): AsyncGenerator<StoredArtifact> {
  const folder = await source.getFolder(request.path, { signal, limits: { maxFiles, maxTotalBytes: maxBytes } });
  for await (const file of folder.files) {
    if (only?.has(file.path) === false) continue;
    yield await keep(sink, { ...request, name: `${request.name}/${file.path}` }, file.stream, signal);
  }
}

async function keep(sink: ArtifactSink, traits: ArtifactTraits, content: Readable, signal: AbortSignal) {
  try {
    throwIfReserved(traits.name);
    return await storeArtifact(sink, traits, content, signal);
  } finally {
    content.destroy();
  }
}
