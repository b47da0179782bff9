/**
 * Ajv's errors turned into sentences for the person who wrote the document.
 *
 * Needs the errors of an Ajv with `allErrors` and `verbose`. A schema helps with
 * `x-rule`: the rule of a pattern, format, enum or alternative in words.
 */
import type { ErrorObject } from "ajv";
import type { Issue } from "../base/errors.ts";
import { joinPath, pathOfPointer, quoted } from "./document-path.ts";
import { nearest } from "./nearest.ts";

/** More issues than anyone reads; the rest is counted. */
const MAX_ISSUES = 100;

/** So many errors are looked into: it takes the square of their number, and a hostile document has as many as it likes. */
const MAX_ERRORS = 2_000;

/** Up to so many known keys or values are listed whole. */
const MAX_LISTED = 40;

type Describe = (error: ErrorObject) => Issue;

const TYPE_NAMES: Readonly<Record<string, string>> = {
  array: "a list",
  boolean: "true or false",
  integer: "a whole number",
  null: "null",
  number: "a number",
  object: "an object",
  string: "text",
};

function parentOf(error: ErrorObject): Readonly<Record<string, unknown>> {
  return error.parentSchema ?? {};
}

function ruleOf(error: ErrorObject): string | undefined {
  const rule = parentOf(error)["x-rule"];
  return typeof rule === "string" ? rule : undefined;
}

/** What is there instead, short and without the inside of lists and objects. */
function shown(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  if (value === null || typeof value === "number" || typeof value === "boolean") return String(value);
  return Array.isArray(value) ? "a list" : "an object";
}

/** ", not 5"; nothing where the value is a secret. */
function butNot(error: ErrorObject): string {
  return parentOf(error)["x-secret"] === true ? "" : `, not ${shown(error.data)}`;
}

/** An issue with the value at the error's own place. */
function here(error: ErrorObject, message: string): Issue {
  return { path: pathOfPointer(error.instancePath), message };
}

function list(values: readonly unknown[]): string {
  const listed = values.slice(0, MAX_LISTED).map((value) => (typeof value === "string" ? value : shown(value)));
  return listed.join(", ") + (values.length > MAX_LISTED ? " …" : "");
}

function didYouMean(word: unknown, candidates: readonly unknown[]): string {
  const words = candidates.filter((candidate) => typeof candidate === "string");
  const meant = typeof word === "string" ? nearest(word, words) : undefined;
  return meant === undefined ? "" : `; did you mean ${quoted(meant)}?`;
}

function describeUnknownKey(error: ErrorObject): Issue {
  const key = String(error.params["additionalProperty"]);
  const known = Object.keys((parentOf(error)["properties"] as object | undefined) ?? {});
  const hint = didYouMean(key, known) || (known.length > 0 ? `; known here: ${list(known)}` : "");
  return { path: joinPath(pathOfPointer(error.instancePath), key), message: `is not a known key${hint}` };
}

function describeEnum(error: ErrorObject): Issue {
  const allowed = error.params["allowedValues"] as unknown[];
  const rule = ruleOf(error);
  if (rule !== undefined) return here(error, `${shown(error.data)} is refused: ${rule}`);
  const hint = didYouMean(error.data, allowed);
  return here(error, `must be one of ${list(allowed)}${butNot(error)}${hint}`);
}

function describeType(error: ErrorObject): Issue {
  const type = error.params["type"] as string | string[];
  if (typeof type === "string") {
    const isUnquoted = type === "string" && (typeof error.data === "number" || typeof error.data === "boolean");
    const hint = isUnquoted ? "; put it in quotes" : "";
    return here(error, `must be ${TYPE_NAMES[type] ?? type}${butNot(error)}${hint}`);
  }
  const rule = ruleOf(error) ?? `must be ${type.map((name) => TYPE_NAMES[name] ?? name).join(" or ")}`;
  return here(error, rule + butNot(error));
}

/** A rule in words, with the value that breaks it. */
function describeRule(error: ErrorObject): Issue {
  const rule = ruleOf(error) ?? `must match ${String(error.schema)}`;
  // A rule about the keys of an object: that it is one is right.
  if (parentOf(error)["type"] === "object" && typeof error.data === "object") return here(error, rule);
  if (error.propertyName === undefined) return here(error, rule + butNot(error));
  return { path: joinPath(pathOfPointer(error.instancePath), error.propertyName), message: rule };
}

/** What fits no alternative, where a word of one may have been meant. */
function describeChoice(error: ErrorObject): Issue {
  const { path, message } = describeRule(error);
  const words = (error.schema as { enum?: unknown[] }[]).flatMap((branch) => branch.enum ?? []);
  return { path, message: message + (ruleOf(error) === undefined ? "" : didYouMean(error.data, words)) };
}

function describeLimit(words: string, unit = "", oneUnit = unit): Describe {
  return (error) => {
    const limit = String(error.params["limit"]);
    const isCount = unit !== "";
    return here(error, `must ${words} ${limit}${isCount ? ` ${limit === "1" ? oneUnit : unit}` : butNot(error)}`);
  };
}

function describeMinimumSize(words: string, unit: string): Describe {
  const describe = describeLimit(words, unit);
  return (error) => (error.params["limit"] === 1 ? here(error, "must not be empty") : describe(error));
}

const DESCRIBE: Readonly<Record<string, Describe>> = {
  additionalProperties: describeUnknownKey,
  anyOf: describeChoice,
  const: (error) => here(error, `must be ${shown(error.params["allowedValue"])}${butNot(error)}`),
  enum: describeEnum,
  exclusiveMaximum: describeLimit("be less than"),
  exclusiveMinimum: describeLimit("be more than"),
  format: describeRule,
  maximum: describeLimit("be at most"),
  maxItems: describeLimit("have at most", "entries", "entry"),
  maxLength: describeLimit("be at most", "characters long"),
  maxProperties: describeLimit("have at most", "keys", "key"),
  minimum: describeLimit("be at least"),
  minItems: describeMinimumSize("have at least", "entries"),
  minLength: describeMinimumSize("be at least", "characters long"),
  oneOf: describeChoice,
  pattern: describeRule,
  required: (error) => ({
    path: joinPath(pathOfPointer(error.instancePath), String(error.params["missingProperty"])),
    message: "is missing",
  }),
  type: describeType,
  uniqueItems: (error) => here(error, `has the same entry at ${error.params["i"]} and ${error.params["j"]}`),
};

/** Whether `error` was found while trying one alternative of `choice`. */
function belongsTo(error: ErrorObject, choice: ErrorObject): boolean {
  return (
    error.schemaPath.startsWith(`${choice.schemaPath}/`) &&
    (error.instancePath === choice.instancePath || error.instancePath.startsWith(`${choice.instancePath}/`))
  );
}

/**
 * What to say of a value that fits no alternative: if its type fits exactly one, what is wrong
 * with it there; else that it fits none. Returns the errors that are better left out.
 */
function superfluous(choice: ErrorObject, errors: readonly ErrorObject[]): ErrorObject[] {
  const inside = errors.filter((error) => belongsTo(error, choice));
  const branches = Map.groupBy(inside, (error) => error.schemaPath.slice(choice.schemaPath.length + 1).split("/")[0]);
  const fitting = [...branches.values()].filter(
    (branch) => !branch.some((error) => error.keyword === "type" && error.instancePath === choice.instancePath),
  );
  const [only] = fitting;
  if (fitting.length !== 1 || only === undefined) return inside;
  // The words of one alternative are not all there is.
  const isOtherWord = only.every(({ keyword }) => keyword === "enum" || keyword === "const");
  if (isOtherWord && ruleOf(choice) !== undefined) return inside;
  return [choice, ...inside.filter((error) => !only.includes(error))];
}

/** One issue per mistake, in the order they were found. */
export function issuesFrom(all: readonly ErrorObject[]): Issue[] {
  const errors = all.slice(0, MAX_ERRORS);
  const choices = errors.filter(({ keyword }) => keyword === "oneOf" || keyword === "anyOf");
  const dropped = new Set(choices.flatMap((choice) => superfluous(choice, errors)));
  const kept = errors.filter((error) => !dropped.has(error) && error.keyword !== "propertyNames");
  // Of a value of the wrong type nothing else is worth saying.
  const mistyped = new Set(kept.filter(({ keyword }) => keyword === "type").map(({ instancePath }) => instancePath));
  const issues = kept
    .filter((error) => error.keyword === "type" || !mistyped.has(error.instancePath))
    .map((error) => (DESCRIBE[error.keyword] ?? ((e) => here(e, e.message ?? "is not allowed")))(error));
  const unique = [...new Map(issues.map((issue) => [`${issue.path}\n${issue.message}`, issue])).values()];
  const more = Math.max(0, unique.length - MAX_ISSUES) + (all.length - errors.length);
  if (more === 0) return unique;
  return [...unique.slice(0, MAX_ISSUES), { path: "", message: `and ${more} more issues` }];
}
