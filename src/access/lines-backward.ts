/** The lines of a file, the last one first, with one block of it in memory. */
import { open } from "node:fs/promises";
import { ignoreMissing } from "../host/durable-file.ts";

const BLOCK_BYTES = 65_536;
const NEWLINE = 0x0a;

/** A file that is not there has none. Empty lines are left out. */
export async function* linesBackward(path: string, blockBytes = BLOCK_BYTES): AsyncGenerator<string> {
  await using file = await open(path, "r").catch(ignoreMissing);
  if (file === undefined) return;
  let position = (await file.stat()).size;
  /** The beginning of a line that the block before this one ends. */
  let rest = Buffer.alloc(0);
  while (position > 0) {
    const size = Math.min(blockBytes, position);
    position -= size;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, position);
    let block = Buffer.concat([buffer.subarray(0, bytesRead), rest]);
    for (let at = block.lastIndexOf(NEWLINE); at !== -1; at = block.lastIndexOf(NEWLINE)) {
      const line = block.subarray(at + 1);
      if (line.length > 0) yield line.toString();
      block = block.subarray(0, at);
    }
    rest = block;
  }
  if (rest.length > 0) yield rest.toString();
}
