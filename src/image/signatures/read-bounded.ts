/** Reads small files that somebody else may have made. */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { codeOf, InvalidInputError } from "../../base/errors.ts";
import { ignoreMissing } from "../../host/durable-file.ts";

/**
 * Undefined if it is not there.
 *
 * @throws {InvalidInputError} It is longer, or no plain file: whatever else would keep a reader waiting, or lead elsewhere.
 */
export async function readBounded(path: string, maxBytes: number): Promise<Buffer | undefined> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const opened = await open(path, flags).catch((error: unknown) => {
    if (codeOf(error) === "ELOOP" || codeOf(error) === "ENXIO") throw refused(path, "is no plain file");
    return ignoreMissing(error);
  });
  if (opened === undefined) return undefined;
  await using file = opened;
  if (!(await file.stat()).isFile()) throw refused(path, "is no plain file");
  const buffer = Buffer.allocUnsafe(maxBytes + 1);
  let length = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
    length += bytesRead;
    if (length > maxBytes) throw refused(path, `is longer than ${maxBytes} bytes`);
    if (bytesRead === 0) return buffer.subarray(0, length);
  }
}

function refused(path: string, message: string): InvalidInputError {
  return new InvalidInputError(path, [{ path: "", message }], "task");
}
