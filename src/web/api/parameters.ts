/** What can be asked in a query string: how it is read, and how the OpenAPI document describes it. Pure. */
import type { JsonSchema } from "../../schema/schema-files.ts";
import { ApiError } from "./api-error.ts";

export interface Parameter<T> {
  readonly description: string;
  readonly schema: JsonSchema;
  /** It may be given several times. */
  readonly repeated?: boolean;
  /** @param given Every value, in their order. @throws {ApiError} `bad-request` */
  parse(given: readonly string[], name: string): T;
}

export type Parameters = Readonly<Record<string, Parameter<unknown>>>;

export type ParsedQuery<P extends Parameters> = { readonly [K in keyof P]: ReturnType<P[K]["parse"]> };

const MAX_TEXT = 300;

/** @param options.rule Of the pattern, as the end of "must be …". */
export function text(
  description: string,
  { pattern, rule = "", maxLength = MAX_TEXT }: { pattern?: RegExp; rule?: string; maxLength?: number } = {},
): Parameter<string | undefined> {
  return {
    description,
    schema: { type: "string", maxLength, ...(pattern === undefined ? {} : { pattern: pattern.source }) },
    parse: single((value, name) => {
      if (value.length > maxLength) throw bad(name, `be at most ${maxLength} characters long`);
      if (value.includes("\0")) throw bad(name, "not have the character U+0000");
      if (pattern !== undefined && !pattern.test(value)) throw bad(name, `be ${rule}`);
      return value;
    }),
  };
}

export function texts(description: string, { maxItems = 100, maxLength = 4_096 } = {}): Parameter<readonly string[]> {
  return {
    description,
    repeated: true,
    schema: { type: "array", maxItems, items: { type: "string", maxLength } },
    parse(given, name) {
      if (given.length > maxItems) throw bad(name, `be given at most ${maxItems} times`);
      if (given.some((value) => value.length > maxLength)) throw bad(name, `be at most ${maxLength} characters long`);
      if (given.some((value) => value.includes("\0"))) throw bad(name, "not have the character U+0000");
      return given;
    },
  };
}

export function integer(
  description: string,
  { minimum, maximum }: { minimum: number; maximum: number },
): Parameter<number | undefined> {
  return {
    description,
    schema: { type: "integer", minimum, maximum },
    parse: single((value, name) => {
      const number = /^-?\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
      if (number >= minimum && number <= maximum) return number;
      throw bad(name, `be a whole number from ${minimum} to ${maximum}`);
    }),
  };
}

export function flag(description: string): Parameter<boolean> {
  const parse = single((value, name) => {
    if (/^(1|true)$/.test(value)) return true;
    if (/^(0|false)$/.test(value)) return false;
    throw bad(name, "be 0 or 1");
  });
  return {
    description,
    schema: { enum: ["0", "1", "false", "true"] },
    parse: (given, name) => parse(given, name) ?? false,
  };
}

export function choice<const T extends string>(description: string, words: readonly T[]): Parameter<T | undefined> {
  return {
    description,
    schema: { enum: words },
    parse: single((value, name) => wordOf(value, name, words)),
  };
}

/** Several words, with commas between. */
export function choices<const T extends string>(description: string, words: readonly T[]): Parameter<T[] | undefined> {
  const word = `(${words.join("|")})`;
  return {
    description,
    schema: { type: "string", pattern: `^${word}(,${word})*$` },
    parse: single((value, name) => value.split(",").map((each) => wordOf(each, name, words))),
  };
}

/** @throws {ApiError} `bad-request`, also for what nobody asked about. */
export function parseQuery<P extends Parameters>(parameters: P, query: URLSearchParams): ParsedQuery<P> {
  for (const name of query.keys()) {
    if (Object.hasOwn(parameters, name)) continue;
    const known = Object.keys(parameters);
    const hint = known.length === 0 ? "there are none here" : `known here: ${known.join(", ")}`;
    throw new ApiError(400, "bad-request", `there is no parameter ${JSON.stringify(name.slice(0, 50))}; ${hint}`);
  }
  const parsed = Object.entries(parameters).map(([name, parameter]) => [
    name,
    parameter.parse(query.getAll(name), name),
  ]);
  return Object.fromEntries(parsed);
}

/**
 * What stands in a path. Nothing has a control character in its name; databases and file systems stumble over some.
 *
 * @throws {ApiError} `bad-request`
 */
export function requireNames<T extends Readonly<Record<string, string>>>(params: T): T {
  for (const [name, value] of Object.entries(params)) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
    if (/[\u0000-\u001f\u007f]/.test(value)) throw bad(`{${name}}`, "not have control characters");
  }
  return params;
}

function single<T>(
  parse: (value: string, name: string) => T,
): (given: readonly string[], name: string) => T | undefined {
  return (given, name) => {
    const [value, ...more] = given;
    if (more.length > 0) throw bad(name, "be given once");
    return value === undefined ? undefined : parse(value, name);
  };
}

function wordOf<T extends string>(value: string, name: string, words: readonly T[]): T {
  const word = words.find((known) => known === value);
  if (word !== undefined) return word;
  throw bad(name, `be one of ${words.join(", ")}, not ${JSON.stringify(value.slice(0, 50))}`);
}

function bad(name: string, rule: string): ApiError {
  return new ApiError(400, "bad-request", `${name} must ${rule}`);
}
