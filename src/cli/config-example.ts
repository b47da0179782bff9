/** The commented configuration that this package brings. */
import { readFileSync } from "node:fs";

/** Two levels up from here in src/, in dist/ and in the bundle. */
const FILE = new URL("../../config/worker.example.yml", import.meta.url);

export function readConfigExample(): string {
  return readFileSync(FILE, "utf8");
}
