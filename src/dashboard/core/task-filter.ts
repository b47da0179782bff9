/** Which tasks are listed, as the address of the page has it. Pure. */
import type { TaskState } from "../api-types.ts";

export const STATES: readonly TaskState[] = ["unscheduled", "pending", "running", "completed", "failed", "exception"];

export interface TaskFilter {
  readonly states: readonly TaskState[];
  readonly queue: string;
  readonly search: string;
  /** Only tasks that are older than this one. */
  readonly before: string;
}

export const PAGE_SIZE = 50;

export function parseFilter(query: URLSearchParams): TaskFilter {
  const states = (query.get("state") ?? "").split(",");
  return {
    states: STATES.filter((state) => states.includes(state)),
    queue: query.get("queue") ?? "",
    search: query.get("search") ?? "",
    before: query.get("before") ?? "",
  };
}

/** One more than is shown: whether there are older ones. */
export function listPath({ states, queue, search, before }: TaskFilter): string {
  const query = new URLSearchParams({ limit: String(PAGE_SIZE + 1) });
  if (states.length > 0) query.set("state", states.join(","));
  if (queue !== "") query.set("queue", queue);
  if (search.trim() !== "") query.set("search", search.trim());
  if (before !== "") query.set("before", before);
  return `/tasks?${query}`;
}

export function toggleState(states: readonly TaskState[], state: TaskState): string {
  const next = states.includes(state) ? states.filter((one) => one !== state) : [...states, state];
  return STATES.filter((one) => next.includes(one)).join(",");
}
