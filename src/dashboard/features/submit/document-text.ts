/**
 * A task definition as text, YAML or JSON, and changes of single places in it. In YAML, comments and the order stay.
 * Pure.
 */
import { type Document, isMap, LineCounter, parseDocument, stringify } from "yaml";

export type Format = "yaml" | "json";
export type Path = readonly (string | number)[];
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
export type JsonObject = { readonly [name: string]: Json };

export type Parsed =
  | { readonly isValid: true; readonly value: JsonObject }
  /** @property line From 1. */
  | { readonly isValid: false; readonly message: string; readonly line: number | undefined };

/** A script stays as it was written: folded, its lines would be twice as many, and harder to change. */
const PRINT = { lineWidth: 100, blockQuote: "literal", aliasDuplicateObjects: false } as const;

export function printDocument(value: JsonObject, format: Format): string {
  return format === "json" ? `${JSON.stringify(value, undefined, 2)}\n` : stringify(value, PRINT);
}

/** YAML is a superset of JSON, and its messages name the place. */
export function parseText(text: string): Parsed {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  if (error !== undefined) {
    return { isValid: false, message: error.message, line: lines.linePos(error.pos[0]).line };
  }
  const value: unknown = read(document);
  if (!isObject(value)) return { isValid: false, message: "must be a mapping of names to values", line: 1 };
  return { isValid: true, value };
}

/** @returns the text with `value` at the place, or without the place. A text that cannot be read stays as it is. */
export function changeText(text: string, format: Format, path: Path, value: Json | undefined): string {
  const parsed = parseText(text);
  if (!parsed.isValid) return text;
  if (format === "json") return printDocument(change(parsed.value, path, value) as JsonObject, format);
  const document = parseDocument(text);
  if (value === undefined) remove(document, path);
  else {
    // A whole value between a name and a place in it would be in the way.
    const blocked = path.findIndex(
      (_step, length) => length > 0 && !isContainer(document.getIn(path.slice(0, length))),
    );
    if (blocked > 0) document.setIn(path.slice(0, blocked), change({}, path.slice(blocked), value));
    else document.setIn(path, document.createNode(value));
  }
  return document.toString(PRINT);
}

/** What is at the place, if anything. */
export function valueAt(value: Json | undefined, path: Path): Json | undefined {
  return path.reduce<Json | undefined>((inner, step) => {
    if (Array.isArray(inner)) return (inner as readonly Json[])[Number(step)];
    return isObject(inner) && Object.hasOwn(inner, step) ? inner[step] : undefined;
  }, value);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function read(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch {
    return undefined;
  }
}

function isContainer(node: unknown): boolean {
  return typeof node === "object" && node !== null;
}

/** What is empty afterwards goes too, but for the payload. */
function remove(document: Document, path: Path): void {
  if (!document.hasIn(path)) return;
  document.deleteIn(path);
  const parent = path.slice(0, -1);
  if (parent.length === 0 || (parent.length === 1 && parent[0] === "payload")) return;
  const left = document.getIn(parent);
  if (isMap(left) && left.items.length === 0) remove(document, parent);
}

function change(value: Json | undefined, [step, ...rest]: Path, next: Json | undefined): Json {
  if (step === undefined) return next ?? null;
  const object = isObject(value) ? value : {};
  const { [String(step)]: inner, ...others } = object;
  const changed = rest.length === 0 ? next : change(inner, rest, next);
  const isGone =
    changed === undefined || (next === undefined && isObject(changed) && Object.keys(changed).length === 0);
  if (isGone && step !== "payload") return others;
  return { ...object, [String(step)]: changed ?? {} };
}
