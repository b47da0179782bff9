/**
 * Text of a JSON or YAML file → plain data.
 *
 * Trust boundary: the text may come from a task or out of an image, so its
 * size, its depth and what YAML aliases can make of it are limited.
 */
import { LineCounter, parseDocument as parseYamlDocument } from "yaml";
import { type Blame, InvalidInputError, type Issue, messageOf } from "../base/errors.ts";

/** Largest document, in bytes of UTF-8. */
export const MAX_DOCUMENT_BYTES = 1_048_576;

const MAX_DEPTH = 64;

/** Enough to share a few values by anchor, too few to blow a document up. */
const MAX_ALIASES = 100;

/**
 * The data in `text`; what it means is for {@link parseAs} to say. A file named
 * `….json` must be JSON; anything else is read as YAML 1.2, which JSON is too.
 *
 * @throws {@link InvalidInputError} with line and column, or the limit that was passed.
 */
export function parseDocument(text: string, fileName: string, blame: Blame): unknown {
  if (Buffer.byteLength(text) > MAX_DOCUMENT_BYTES) fail(fileName, blame, "is larger than 1 MiB");
  const content = text.startsWith("\uFEFF") ? text.slice(1) : text;
  const data = fileName.endsWith(".json") ? parseJson(content, fileName, blame) : parseYaml(content, fileName, blame);
  if (isDeeperThan(data, MAX_DEPTH)) fail(fileName, blame, `is nested more than ${MAX_DEPTH} levels deep`);
  return data;
}

function fail(fileName: string, blame: Blame, ...messages: string[]): never {
  const issues = messages.map((message): Issue => ({ path: "", message }));
  throw new InvalidInputError(fileName, issues, blame);
}

function parseJson(text: string, fileName: string, blame: Blame): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    return fail(fileName, blame, `is not JSON: ${describeJsonError(messageOf(error), text)}`);
  }
}

/** V8 names line and column itself, except where the text ends too early. */
function describeJsonError(message: string, text: string): string {
  if (!/end of JSON input/i.test(message)) return message;
  const lines = text.trimEnd().split("\n");
  return `it ends too early, at line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`;
}

function parseYaml(text: string, fileName: string, blame: Blame): unknown {
  const lineCounter = new LineCounter();
  let errors: string[];
  try {
    const document = parseYamlDocument(text, { lineCounter, prettyErrors: false, version: "1.2", logLevel: "error" });
    if (document.errors.length === 0) return document.toJS({ maxAliasCount: MAX_ALIASES });
    errors = document.errors.map((error) => {
      const { line, col } = lineCounter.linePos(error.pos[0]);
      return `is not YAML: ${error.message}, at line ${line}, column ${col}`;
    });
  } catch (error) {
    // What is left are aliases that grow too much, and nesting that is too deep for the parser's stack.
    errors = [error instanceof RangeError ? "is nested too deeply" : `is not YAML: ${messageOf(error)}`];
  }
  return fail(fileName, blame, ...errors.slice(0, 10));
}

/** Looks at each object once per level, so shared ones cost nothing; written without recursion on purpose. */
function isDeeperThan(data: unknown, limit: number): boolean {
  let level: unknown[] = [data];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > limit) return true;
    const containers = new Set(level.filter((value): value is object => typeof value === "object" && value !== null));
    level = [...containers].flatMap((container) => Object.values(container));
  }
  return false;
}
