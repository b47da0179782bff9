/**
 * Reads parts of a file in order, some pieces ahead of whoever uses them.
 *
 * A few buffers are used again and again: memory that is new for each piece costs as much as the reading does, to get and
 * to collect.
 */
import type { FileHandle } from "node:fs/promises";
import type { Segment } from "./sparse-map.ts";

/** Of all pieces but the last of a segment. */
export const PIECE_BYTES = 2 * 1_024 * 1_024;
/** While one is used. */
const AHEAD = 2;

export interface Piece {
  offset: number;
  /** May be used until the next piece is asked for. */
  chunk: Buffer;
}

interface Reading {
  buffer: Buffer;
  piece: Promise<Piece>;
}

/** @throws where the file ends before a segment does. */
export async function* readAhead(file: FileHandle, segments: Iterable<Segment>): AsyncGenerator<Piece> {
  const wanted = piecesOf(segments);
  const readings: Reading[] = [];
  const begin = (buffer?: Buffer) => {
    const next = wanted.next();
    if (next.done === true) return;
    const target = buffer ?? Buffer.allocUnsafeSlow(PIECE_BYTES);
    const piece = readPiece(file, next.value, target);
    // It may fail before it is waited for.
    piece.catch(() => {});
    readings.push({ buffer: target, piece });
  };
  for (let i = 0; i < AHEAD; i++) begin();
  try {
    let done: Buffer | undefined;
    for (let reading = readings[0]; reading !== undefined; reading = readings[0]) {
      const piece = await reading.piece;
      readings.shift();
      begin(done);
      yield piece;
      done = reading.buffer;
    }
  } finally {
    // The file may be closed afterwards.
    await Promise.allSettled(readings.map(({ piece }) => piece));
  }
}

function* piecesOf(segments: Iterable<Segment>): Generator<Segment, undefined> {
  for (const { offset, bytes } of segments) {
    for (let done = 0; done < bytes; done += PIECE_BYTES) {
      yield { offset: offset + done, bytes: Math.min(PIECE_BYTES, bytes - done) };
    }
  }
}

async function readPiece(file: FileHandle, { offset, bytes }: Segment, buffer: Buffer): Promise<Piece> {
  for (let done = 0; done < bytes; ) {
    const { bytesRead } = await file.read(buffer, done, bytes - done, offset + done);
    if (bytesRead === 0) throw new Error("a file became shorter while it was read");
    done += bytesRead;
  }
  return { offset, chunk: buffer.subarray(0, bytes) };
}
