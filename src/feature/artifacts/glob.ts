/**
 * Paths with wildcards. Pure.
 *
 * As in a shell: `*`, `?` and `[a-z]` stand for what is in one name, `**` for any number of folders, and a name that
 * begins with a dot is meant only by a pattern that does. A wildcard in brackets, `[*]`, stands for itself.
 *
 * Patterns come from tasks and paths from their guests, either may be hostile: a match takes no longer than the product
 * of the two lengths, which regular expressions cannot promise.
 */
import { posix } from "node:path";

/** One name of a path: `**`, or what its characters may be. */
type Part = "**" | readonly Token[];

type Token = string | { readonly kind: "any" } | { readonly kind: "star" } | CharacterSet;

interface CharacterSet {
  readonly kind: "set";
  readonly negated: boolean;
  readonly ranges: readonly (readonly [low: string, high: string])[];
}

export interface Glob {
  /** Where what is meant lies, without wildcards; relative if the pattern is. */
  readonly folder: string;
  /** What a path below {@link folder} must match. */
  readonly parts: readonly Part[];
}

const ANY = { kind: "any" } as const;
const STAR = { kind: "star" } as const;
const WILDCARDS = new Set(["*", "?", "["]);

/** Longer ones would keep the worker busy with each path. */
const MAX_CHARACTERS = 1_024;

/** What `path` means: one place, or all that match. */
export function parsePattern(path: string): { readonly path: string } | Glob {
  const names = path.split("/");
  const parts = names.map(parsePart);
  const first = parts.findIndex((part) => !isLiteral(part));
  if (first === -1) return { path: parts.map(literalOf).join("/") };
  const literal = parts.slice(0, first).map(literalOf).join("/");
  const folder = posix.normalize(first === 1 && literal === "" ? "/" : literal || ".");
  const rest = parts.slice(first).filter((_, index) => !["", "."].includes(names[first + index] as string));
  return { folder, parts: rest.at(-1) === "**" ? [...rest, [STAR]] : rest };
}

/** Why `path` may not be asked for; undefined if it may. */
export function patternProblem(path: string): string | undefined {
  const pattern = parsePattern(path);
  if ("path" in pattern) return undefined;
  if (path.length > MAX_CHARACTERS) return `has wildcards, and more than ${MAX_CHARACTERS} characters`;
  if (pattern.folder === "/") return "has a wildcard right below /, and would search the whole machine; name a folder";
  const rest = path.split("/").slice(path.split("/").findIndex((name) => !isLiteral(parsePart(name))));
  return rest.includes("..") ? 'has ".." after a wildcard' : undefined;
}

/** @param path Below {@link Glob.folder}, of plain names. */
export function matches({ parts }: Glob, path: string): boolean {
  let reached = withSkipped([0], parts);
  for (const name of path.split("/")) {
    const next = reached.flatMap((at) => {
      const part = parts[at];
      if (part === undefined) return [];
      if (part === "**") return name.startsWith(".") ? [] : [at];
      return matchesName(part, name) ? [at + 1] : [];
    });
    if (next.length === 0) return false;
    reached = withSkipped(next, parts);
  }
  return reached.includes(parts.length);
}

/** A `**` may also stand for no folder at all. */
function withSkipped(positions: readonly number[], parts: readonly Part[]): number[] {
  const all = new Set<number>();
  for (let at of positions) {
    while (!all.has(at)) {
      all.add(at);
      if (parts[at] === "**") at++;
    }
  }
  return [...all];
}

/** A star that was too short is made longer by one; only the last needs to be, since all before it found their places. */
function matchesName(tokens: readonly Token[], name: string): boolean {
  if (name.startsWith(".") && tokens[0] !== ".") return false;
  const characters = [...name];
  let [token, character] = [0, 0];
  let retry: { token: number; character: number } | undefined;
  while (character < characters.length) {
    const wanted = tokens[token];
    if (wanted !== undefined && isStar(wanted)) {
      token++;
      retry = { token, character };
    } else if (wanted !== undefined && matchesCharacter(wanted, characters[character] as string)) {
      token++;
      character++;
    } else if (retry !== undefined) {
      retry = { token: retry.token, character: retry.character + 1 };
      ({ token, character } = retry);
    } else {
      return false;
    }
  }
  return tokens.slice(token).every(isStar);
}

function isStar(token: Token): boolean {
  return token === STAR;
}

function matchesCharacter(token: Token, character: string): boolean {
  if (typeof token === "string") return token === character;
  if (token.kind !== "set") return true;
  return token.ranges.some(([low, high]) => low <= character && character <= high) !== token.negated;
}

function parsePart(name: string): Part {
  if (name === "**") return name;
  const tokens: Token[] = [];
  const characters = [...name];
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] as string;
    const end = character === "[" ? endOfSet(characters, at) : -1;
    if (end !== -1) {
      tokens.push(parseSet(characters.slice(at + 1, end)));
      at = end;
    } else if (character === "*") {
      if (tokens.at(-1) !== STAR) tokens.push(STAR);
    } else {
      tokens.push(character === "?" ? ANY : character);
    }
  }
  return tokens;
}

/** Where the `]` is; -1 if there is none, and the bracket is a plain character. The first of a set may be `]` itself. */
function endOfSet(characters: readonly string[], begin: number): number {
  const negated = ["!", "^"].includes(characters[begin + 1] ?? "");
  return characters.indexOf("]", begin + (negated ? 3 : 2));
}

function parseSet(inside: readonly string[]): Token {
  const [only = ""] = inside;
  if (inside.length === 1 && WILDCARDS.has(only)) return only;
  const negated = only === "!" || only === "^";
  const ranges: [string, string][] = [];
  for (let at = negated ? 1 : 0; at < inside.length; at++) {
    const low = inside[at] as string;
    const high = inside[at + 1] === "-" ? inside[at + 2] : undefined;
    ranges.push([low, high ?? low]);
    if (high !== undefined) at += 2;
  }
  return { kind: "set", negated, ranges };
}

function isLiteral(part: Part): part is readonly string[] {
  return part !== "**" && part.every((token) => typeof token === "string");
}

function literalOf(part: Part): string {
  return isLiteral(part) ? part.join("") : "";
}
