/** What the main thread and the thread of one zstd-codec stream say to each other. */
import type { ZstdErrorCode } from "./codec.ts";

export type CodecJob =
  | { direction: "decompress"; maxOutputBytes: number; credits: SharedArrayBuffer }
  | { direction: "compress"; level: number; contentBytes: number | undefined; credits: SharedArrayBuffer };

/** A chunk of input, or its end. */
export type CodecInput = { chunk: Uint8Array } | { end: true };

export type CodecOutput =
  | { type: "pull" }
  | { type: "output"; chunk: Uint8Array }
  | { type: "done" }
  | { type: "refused"; code: ZstdErrorCode | "zstd-failed"; message: string };

/** Chunks of output that may be under way; one is at most 128 KiB. */
export const MAX_OUTPUT_CHUNKS = 32;
