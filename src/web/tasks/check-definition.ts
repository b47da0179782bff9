/** What keeps a document from being a task: what the schema says, and what it cannot. */
import { InvalidInputError, type Issue } from "../../base/errors.ts";
import { formatDuration, tryParseDuration } from "../../base/units.ts";
import type { TaskDefinition } from "../../generated/task-definition.ts";
import { parseAs } from "../../schema/parse.ts";

/** @param checkPayload Throws what is wrong with a payload, as an {@link InvalidInputError}. */
export function definitionIssues(document: unknown, checkPayload: (payload: unknown) => void): Issue[] {
  const found: Issue[] = [];
  const definition = attempt(() => parseAs("task-definition", document, { subject: "The task", blame: "task" }), found);
  if (definition !== undefined) found.push(...lifetimeIssues(definition));
  const payload = definition?.payload ?? payloadIn(document);
  if (payload === undefined) return found;
  const inside: Issue[] = [];
  attempt(() => checkPayload(payload), inside);
  return [...found, ...inside.map(({ path, message }) => ({ path: belowPayload(path), message }))];
}

function attempt<T>(check: () => T, issues: Issue[]): T | undefined {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    issues.push(...error.issues);
    return undefined;
  }
}

/** That of a definition which is wrong elsewhere is worth a look too. */
function payloadIn(document: unknown): object | undefined {
  if (typeof document !== "object" || document === null || !("payload" in document)) return undefined;
  const { payload } = document;
  return typeof payload === "object" && payload !== null ? payload : undefined;
}

function belowPayload(path: string): string {
  if (path === "") return "payload";
  return path.startsWith("[") ? `payload${path}` : `payload.${path}`;
}

function lifetimeIssues({ deadline, expires }: TaskDefinition): Issue[] {
  const issues: Issue[] = [];
  const ms = (path: string, value: number | string | undefined) => {
    const parsed = value === undefined ? undefined : tryParseDuration(value);
    const message = 'must be a number of seconds or a text such as "10 minutes" or "1 day 2 hours"';
    if (value !== undefined && parsed === undefined) issues.push({ path, message });
    return parsed;
  };
  const [deadlineMs, expiresMs] = [ms("deadline", deadline), ms("expires", expires)];
  if (deadlineMs !== undefined && expiresMs !== undefined && expiresMs < deadlineMs) {
    const message = `must not be shorter than the deadline, ${formatDuration(deadlineMs)}`;
    issues.push({ path: "expires", message });
  }
  return issues;
}
