/**
 * Checks that imports point downwards: a folder of src/ imports from lower layers and from itself, never from a
 * sibling or from above; and that only the folders meant for it use certain packages.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";

/** From the top down. */
const LAYERS: readonly (readonly string[])[] = [
  ["main.ts", "index.ts"],
  ["cli"],
  ["worker", "web"],
  ["sandbox", "hypervisor"],
  ["feature", "vm", "image", "network", "guest", "queue", "artifact"],
  ["qmp", "vnc", "http"],
  ["host"],
  ["config"],
  ["schema"],
  ["base", "generated"],
];

/** Who may import a package; all others may not. */
const RESERVED: Readonly<Record<string, readonly string[]>> = {
  express: ["http", "guest", "web"],
  execa: ["host"],
  "node:child_process": ["host"],
};

export interface SourceFile {
  /** Relative to src/, with `/`. */
  path: string;
  text: string;
}

const IMPORT = /(?:from|import)\s*\(?\s*"([^"]+)"/g;

/** Sentences, one for each import that is not allowed. Pure. */
export function findViolations(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) =>
    [...text.matchAll(IMPORT)].flatMap((match) => {
      const line = text.slice(0, match.index).split("\n").length;
      const problem = judge(path, match[1] as string);
      return problem === undefined ? [] : [`src/${path}:${line}: ${problem}`];
    }),
  );
}

function judge(path: string, specifier: string): string | undefined {
  const from = roomOf(path);
  if (!specifier.startsWith(".")) {
    const allowed = RESERVED[specifier];
    if (allowed === undefined || allowed.includes(from)) return undefined;
    return `only ${allowed.join(", ")} may import ${specifier}`;
  }
  const target = relative(".", resolve(dirname(path), specifier));
  if (target.startsWith("..")) return undefined;
  const to = roomOf(target);
  if (from === to) return undefined;
  const [fromLayer, toLayer] = [layerOf(from), layerOf(to)];
  if (fromLayer === -1 || toLayer === -1) return `${fromLayer === -1 ? from : to} has no place in the layers`;
  if (toLayer > fromLayer) return undefined;
  return toLayer === fromLayer ? `${from} and its sibling ${to} must not know each other` : `${from} lies below ${to}`;
}

function roomOf(path: string): string {
  return path.split("/")[0] as string;
}

function layerOf(room: string): number {
  return LAYERS.findIndex((layer) => layer.includes(room));
}

function readSources(root: string): SourceFile[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const violations = findViolations(readSources(resolve(import.meta.dirname, "../src")));
  for (const violation of violations) process.stderr.write(`${violation}\n`);
  process.exitCode = violations.length === 0 ? 0 : 1;
}
