/** Small things that a machine in QEMU needs. */
import { join } from "node:path";
import { Writable } from "node:stream";
import type { Config } from "../../config/config.ts";

/** A machine of its own has no task, and so no log of one. */
export function nowhere(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}

/** Where what is no machine's own is kept; absolute. */
export function hostFolders({ runDir, stateDir }: Pick<Config, "runDir" | "stateDir">): {
  runParent: string;
  stateParent: string;
  cacheDirectory: string;
} {
  return {
    runParent: join(runDir, "m"),
    stateParent: join(stateDir, "machines"),
    cacheDirectory: join(stateDir, "cache"),
  };
}
