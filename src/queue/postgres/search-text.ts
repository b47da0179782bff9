/** What tasks are found by. Pure. */
import type { TaskDefinition } from "../../generated/task-definition.ts";

/** An entry of an index takes less than 2,700 bytes, and has the name of the task queue in it as well. */
const MAX_BYTES = 2_000;

/** The id, the name and the values of tags, a line of each; the end is cut off where that is too long. */
export function searchText(taskId: string, { metadata, tags }: Pick<TaskDefinition, "metadata" | "tags">): string {
  const words = [metadata?.name ?? "", ...Object.values(tags ?? {})];
  const lines = [taskId, ...words.map((word) => word.replaceAll(/\p{Cc}+/gu, " "))];
  return cut(lines.join("\n").toLowerCase().toWellFormed(), MAX_BYTES);
}

/** Statements find what `column` matches of what somebody has asked for; `parameter` stands for {@link searchTerm}. */
export function searchCondition(column: string, parameter: string): string {
  return `(starts_with(${column}, ${parameter}) OR strpos(substr(${column}, ${ID_LENGTH + 1}), ${parameter}) > 0)`;
}

const ID_LENGTH = 22;

/** Undefined: everything is found by it. */
export function searchTerm(search: string | undefined): string | undefined {
  const term = search
    ?.replaceAll(/\p{Cc}+/gu, " ")
    .trim()
    .toLowerCase()
    .toWellFormed();
  return term === "" ? undefined : term;
}

function cut(text: string, maxBytes: number): string {
  // A character of JavaScript has three bytes at most.
  if (text.length * 3 <= maxBytes) return text;
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  let end = maxBytes;
  // Not in the middle of a character.
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.toString("utf8", 0, end);
}
