/** The version of this package. */
import { readFileSync } from "node:fs";

/** Two levels up from here in src/, in dist/ and in the bundle. */
const PACKAGE_FILE = new URL("../../package.json", import.meta.url);

export function readVersion(): string {
  return (JSON.parse(readFileSync(PACKAGE_FILE, "utf8")) as { version: string }).version;
}
