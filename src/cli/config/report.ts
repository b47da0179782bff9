/** What `boxcar config` says to people. Pure. */
import { isMap, isScalar, type Node, parseDocument, stringify } from "yaml";
import type { CheckedConfig, LocatedIssue } from "../../config/check-config.ts";
import type { EffectiveConfig } from "../../config/effective-config.ts";
import { joinPath } from "../../schema/document-path.ts";

/** One line each, as compilers have them, so that editors find the place. */
export function formatCheck({ file, issues, warnings }: CheckedConfig): string {
  const lines = [
    ...issues.map((issue) => formatIssue(issue, file)),
    ...warnings.map((warning) => `warning: ${warning}`),
  ];
  if (issues.length > 0) return lines.join("\n");
  const verdict =
    file === undefined ? "There is no configuration file, and the defaults hold." : `${file}: nothing is wrong`;
  return [...lines, verdict].join("\n");
}

function formatIssue({ path, message, line, column }: LocatedIssue, file: string | undefined): string {
  const place = line === undefined ? file : `${file}:${line}:${column}`;
  // The message of a whole file has its line already; a variable is in no file.
  const prefix = path.startsWith("BOXCAR_") || place === undefined ? "" : `${place}: `;
  return `${prefix}${path === "" ? "" : `${path}: `}${message}`;
}

/** A file that says the same; what is no default has a comment that says where it comes from. */
export function formatEffective({ file, document, origins }: EffectiveConfig): string {
  const yaml = parseDocument(stringify(document));
  yaml.commentBefore = ` In force now; ${file === undefined ? "there is no file" : `the file is ${file}`}.`;
  comment(yaml.contents, "", origins);
  return yaml.toString({ lineWidth: 0 });
}

function comment(node: Node | null, path: string, origins: ReadonlyMap<string, string>): void {
  if (isMap(node) && node.items.length > 0) {
    for (const { key, value } of node.items) {
      const step = isScalar(key) ? String(key.value) : "";
      comment(value as Node | null, joinPath(path, step), origins);
    }
    return;
  }
  const origin = originOf(path, origins);
  if (node !== null && origin !== undefined) node.comment = ` ${origin}`;
}

/** Where a secret is hidden, what stood below it is meant. */
function originOf(path: string, origins: ReadonlyMap<string, string>): string | undefined {
  const below = () => [...origins.keys()].find((key) => key.startsWith(`${path}.`)) ?? "";
  return origins.get(path) ?? origins.get(below());
}
