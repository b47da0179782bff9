/** A log that has ended, as a file, packed or not. *Borrows* the file. */
import { createReadStream } from "node:fs";
import { pipeline, type Readable, Transform } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import type { LogEncoding } from "./compress-log.ts";
import { type LogSource, type ReadLogOptions, resolvePosition } from "./log-source.ts";

export interface StoredLogOptions {
  /** Absolute path. */
  readonly file: string;
  /** How the file is packed; undefined: not at all. */
  readonly contentEncoding?: LogEncoding | undefined;
  /** Of the log, not of a file that is packed. */
  readonly sizeBytes: number;
}

export class StoredLog implements LogSource {
  readonly file: string;
  readonly contentEncoding: LogEncoding | undefined;
  readonly sizeBytes: number;
  readonly ended = true;

  constructor({ file, contentEncoding, sizeBytes }: StoredLogOptions) {
    this.file = file;
    this.contentEncoding = contentEncoding;
    this.sizeBytes = sizeBytes;
  }

  read({ from = 0, signal }: ReadLogOptions = {}): Readable {
    const start = resolvePosition(from, this.sizeBytes);
    const options = signal === undefined ? {} : { signal };
    if (this.contentEncoding === undefined) return createReadStream(this.file, { start, ...options });
    const unpack = this.contentEncoding === "gzip" ? createGunzip() : createZstdDecompress();
    // An error of one is that of all: the last one hands it on.
    return pipeline(createReadStream(this.file, options), unpack, skip(start), () => {});
  }

  /** The file as it is, for who can unpack it. */
  readPacked(): Readable {
    return createReadStream(this.file);
  }
}

/** All but the first bytes. */
function skip(bytes: number): Transform {
  let left = bytes;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const skipped = Math.min(left, chunk.length);
      left -= skipped;
      if (skipped === chunk.length) done();
      else done(undefined, chunk.subarray(skipped));
    },
  });
}
