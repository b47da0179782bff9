/** Which file of src/ may import which: layers, packages of one folder, no cycles. Pure. */
import { posix } from "node:path";

export interface Import {
  readonly specifier: string;
  /** From 1. */
  readonly line: number;
}

export interface SourceFile {
  /** Below src/, with forward slashes. */
  readonly path: string;
  readonly imports: readonly Import[];
}

export interface Violation {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

/** From the top down; a folder imports itself and what is in the rows below. */
export const LAYERS: readonly (readonly string[])[] = [
  ["main", "index"],
  ["dashboard"],
  ["cli"],
  ["telemetry"],
  ["worker", "web"],
  ["builder", "hypervisor"],
  ["feature", "sandbox"],
  ["snapshot"],
  ["vm", "image", "network", "guest", "artifact", "cache", "queue", "log"],
  ["access"],
  ["qmp", "rfb", "http", "qcow2", "signing"],
  ["host"],
  ["config"],
  ["schema"],
  ["base", "generated"],
];

/** Folder → the only others it may import, whatever lies below it: pages of a browser have no Node. */
const SELF_CONTAINED: Readonly<Record<string, readonly string[]>> = { dashboard: ["generated"] };

/** Package → the only folders that may import it. */
const CONFINED: Readonly<Record<string, readonly string[]>> = {
  execa: ["host"],
  child_process: ["host"],
  express: ["http", "guest", "web"],
};

/** Comments, templates and other strings are matched only to be passed over: they may look like imports. */
const TOKEN =
  /\/\*[\s\S]*?\*\/|\/\/[^\n]*|`(?:\\[\s\S]|[^`\\])*`|\b(?:from|import)\s*\(?\s*(?:"(?<double>[^"\n]+)"|'(?<single>[^'\n]+)')|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g;

export function findImports(source: string): Import[] {
  return [...source.matchAll(TOKEN)].flatMap(({ index, groups, 0: text }) => {
    const specifier = groups?.["double"] ?? groups?.["single"];
    if (specifier === undefined) return [];
    return [{ specifier, line: source.slice(0, index + text.length).split("\n").length }];
  });
}

/** Everything that breaks a rule, in the order of the files. */
export function checkImports(files: readonly SourceFile[]): Violation[] {
  const single = files.flatMap(({ path, imports }) =>
    imports.flatMap(({ specifier, line }) => {
      const message = specifier.startsWith(".") ? layerFault(path, specifier) : packageFault(path, specifier);
      return message === undefined ? [] : [{ path, line, message }];
    }),
  );
  return [...single, ...findCycles(files)];
}

function layerFault(path: string, specifier: string): string | undefined {
  const target = resolveImport(path, specifier);
  if (target.startsWith("../")) return target.endsWith(".json") ? undefined : `imports ${target}, outside of src/`;
  const [from, to] = [folderOf(path), folderOf(target)];
  if (from === to) return undefined;
  const allowed = Object.hasOwn(SELF_CONTAINED, from) ? SELF_CONTAINED[from] : undefined;
  if (allowed?.includes(to) === false) return `${from} imports ${to}; it may import ${allowed.join(", ")}`;
  const [upper, lower] = [rowOf(from), rowOf(to)];
  if (upper === -1) return `${from}/ is in no layer`;
  if (lower === -1) return `${to}/ is in no layer`;
  if (lower > upper) return undefined;
  if (lower === upper) return `${from} imports ${to}, its sibling: let the layer above connect them`;
  return `${from} imports ${to}, which is above it`;
}

function packageFault(path: string, specifier: string): string | undefined {
  const name = specifier.replace(/^node:/, "").split("/")[0] ?? "";
  const folders = Object.hasOwn(CONFINED, name) ? CONFINED[name] : undefined;
  if (folders === undefined || folders.includes(folderOf(path))) return undefined;
  return `imports ${specifier}, which is only for ${folders.join(", ")}`;
}

function resolveImport(path: string, specifier: string): string {
  return posix.normalize(posix.join(posix.dirname(path), specifier));
}

/** A file that is in no folder counts as one of its name. */
function folderOf(path: string): string {
  return (path.split("/")[0] ?? "").replace(/\.ts$/, "");
}

function rowOf(folder: string): number {
  return LAYERS.findIndex((row) => row.includes(folder));
}

/** One violation for each import that closes a cycle in a depth-first walk. */
function findCycles(files: readonly SourceFile[]): Violation[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const done = new Set<string>();
  const violations: Violation[] = [];
  const visit = (file: SourceFile, trail: readonly string[]): void => {
    if (done.has(file.path)) return;
    const path = [...trail, file.path];
    for (const { specifier, line } of file.imports) {
      const target = specifier.startsWith(".") ? byPath.get(resolveImport(file.path, specifier)) : undefined;
      if (target === undefined) continue;
      const begin = path.indexOf(target.path);
      if (begin === -1) visit(target, path);
      else {
        const cycle = [...path.slice(begin), target.path].join(" → ");
        violations.push({ path: file.path, line, message: `closes an import cycle: ${cycle}` });
      }
    }
    done.add(file.path);
  };
  for (const file of files) visit(file, []);
  return violations;
}
