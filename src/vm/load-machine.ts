/** Reads a machine.json from the disk; it may come out of a hostile archive. */
import { open } from "node:fs/promises";
import type { Blame } from "../base/errors.ts";
import type { Machine } from "../generated/machine.ts";
import { MAX_DOCUMENT_BYTES, parseDocument } from "../schema/document.ts";
import { parseMachine } from "../schema/machine.ts";

/**
 * The machine in `file`, of any version the format ever had.
 *
 * @throws {@link InvalidInputError} with every issue, `blame` as given (default: image).
 */
export async function loadMachine(file: string, blame: Blame = "image"): Promise<Machine> {
  return parseMachine(parseDocument(await readStart(file), file, blame), { subject: file, blame });
}

/** One byte more than a document may have, at most: enough to see that it has too many. */
async function readStart(file: string): Promise<string> {
  await using handle = await open(file);
  const buffer = Buffer.alloc(MAX_DOCUMENT_BYTES + 1);
  let length = 0;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length);
    length += bytesRead;
    if (bytesRead === 0 || length === buffer.length) return buffer.toString("utf8", 0, length);
  }
}
