/** What a schema cannot check of `runDir`. */
import type { Issue } from "../base/errors.ts";

/** Leaves room for the names below it: the path of a unix socket has at most 107 bytes. */
const MAX_RUN_DIR_BYTES = 64;

export function runDirIssues(runDir: string): Issue[] {
  const bytes = Buffer.byteLength(runDir);
  if (bytes <= MAX_RUN_DIR_BYTES) return [];
  const message = `has ${bytes} bytes, and at most ${MAX_RUN_DIR_BYTES} leave room for the sockets in it; choose a shorter one`;
  return [{ path: "runDir", message }];
}
