/** The scripts that make shells complete `boxcar`. */
import { readFileSync } from "node:fs";

export const SHELLS = ["bash", "zsh", "fish"] as const;

/** Two levels up from here in src/, in dist/ and in the bundle. */
const DIRECTORY = new URL("../../completions/", import.meta.url);

export function readCompletionScript(shell: (typeof SHELLS)[number]): string {
  return readFileSync(new URL(`boxcar.${shell}`, DIRECTORY), "utf8");
}
