/** This very command line, to be started again. */
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../../bin/boxcar.js", import.meta.url));

/** @param configFile Absolute path of what `--config` names. */
export function boxcarCommand(configFile: string | undefined, ...words: string[]): [string, ...string[]] {
  return [process.execPath, PROGRAM, ...(configFile === undefined ? [] : ["--config", configFile]), ...words];
}
