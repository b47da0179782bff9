/** Puts one artifact into the store of this host, packed if that is wanted. */
import type { Readable } from "node:stream";
import type { Digest } from "../../base/digest-stream.ts";
import { type Compression, chooseEncoding, pack } from "./pack.ts";
import { guessContentType, type StoredArtifact } from "./record.ts";

/** What is needed of a store. */
export interface ArtifactSink {
  put(name: string, content: Readable, signal: AbortSignal): Promise<Digest & { readonly name: string }>;
}

export interface ArtifactTraits {
  readonly name: string;
  /** Guessed from the name if it is left out. */
  readonly contentType?: string | undefined;
  /** Default: none. */
  readonly compression?: Compression | undefined;
  /** How long it is kept after the end of the run; undefined: as long as the task. */
  readonly expiresAfterMs?: number | undefined;
}

/** @throws What the sink throws, and what breaks `content`. */
export async function storeArtifact(
  sink: ArtifactSink,
  traits: ArtifactTraits,
  content: Readable,
  signal: AbortSignal,
): Promise<StoredArtifact> {
  const { name, contentType = guessContentType(name), compression = "none", expiresAfterMs } = traits;
  const encoding = chooseEncoding(compression, contentType);
  const facts = { contentType, ...(expiresAfterMs === undefined ? {} : { expiresAfterMs }) };
  if (encoding === undefined) return { ...(await sink.put(name, content, signal)), ...facts };
  const { stream, digest } = pack(content, encoding);
  const stored = await sink.put(name, stream, signal);
  return { ...stored, ...facts, contentEncoding: encoding, content: digest() };
}
