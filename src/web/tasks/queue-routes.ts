/** The queue: submit, list, show, cancel, run again. */
import type { Principal } from "../../access/principal.ts";
import { mayDo } from "../../access/role.ts";
import type { ApiCancelRequest, ApiCopyRequest } from "../../generated/api.ts";
import type { TaskDefinition } from "../../generated/task-definition.ts";
import { TASK_STATES } from "../../queue/task.ts";
import type { SubmitOptions, TaskDetails, TaskQueue } from "../../queue/task-queue.ts";
import type { WorkerDirectory } from "../../queue/worker-directory.ts";
import { noteForAudit } from "../access/audited.ts";
import { ApiError } from "../api/api-error.ts";
import { choices, integer, text } from "../api/parameters.ts";
import { defineRoute, type Route } from "../api/route.ts";
import { definitionIssues } from "./check-definition.ts";
import { explainTask, type RunProgress } from "./explain-task.ts";
import { requireVisible, visibleDefinition } from "./visible-definition.ts";

export interface QueueRoutesOptions {
  queue: TaskQueue;
  /** Throws what is wrong with a payload, before anybody waits for its task. */
  checkPayload: (payload: unknown) => void;
  /** What a task waits for is said by it too. */
  workers?: Pick<WorkerDirectory, "list"> | undefined;
  /** Of a run, where that is known here. */
  progress?: (key: { task: string; run: number }) => Promise<RunProgress | undefined>;
}

const MAX_LIMIT = 1_000;

export function queueRoutes(options: QueueRoutesOptions): Route[] {
  const { queue, checkPayload } = options;
  return [
    defineRoute<TaskDefinition>()({
      method: "POST",
      path: "/api/v1/tasks",
      operation: "submitTask",
      summary: "Submits a task",
      tag: "tasks",
      permission: "submit",
      body: { document: "task-definition" },
      answers: { 201: { description: "The task.", schema: "task" } },
      async handle({ body, principal, request }) {
        checkPayload(body.payload);
        const task = await queue.submit(body, submissionOf(principal));
        noteForAudit(request, { target: `tasks/${task.taskId}` });
        return task;
      },
    }),
    defineRoute<unknown>()({
      method: "POST",
      path: "/api/v1/tasks/check",
      operation: "checkTask",
      summary: "What keeps a document from being a task",
      tag: "tasks",
      permission: "submit",
      audited: false,
      body: { unchecked: "task-definition" },
      answers: { 200: { description: "All of it, or nothing.", schema: "issues" } },
      handle: ({ body }) => ({ issues: definitionIssues(body, checkPayload) }),
    }),
    defineRoute()({
      method: "GET",
      path: "/api/v1/tasks",
      operation: "listTasks",
      summary: "Tasks, the newest first",
      tag: "tasks",
      permission: "read",
      query: {
        state: choices("Only those in these states, with commas between.", TASK_STATES),
        queue: text("Only those of this task queue."),
        limit: integer("How many at most; 100 if it is left out.", { minimum: 1, maximum: MAX_LIMIT }),
        before: text("Only those that are older than the task with this id."),
        search: text("Only those with this in their name or in the value of a tag, or at the beginning of their id."),
      },
      answers: { 200: { description: "The newest first.", schema: "tasks" } },
      handle: ({ query: { state, queue: name, limit, before, search } }) =>
        queue.list({
          ...(state === undefined ? {} : { states: state }),
          ...(name === undefined ? {} : { queue: name }),
          ...(limit === undefined ? {} : { limit }),
          ...(before === undefined ? {} : { before }),
          ...(search === undefined || search === "" ? {} : { search }),
        }),
    }),
    defineRoute()({
      method: "GET",
      path: "/api/v1/tasks/{task}",
      operation: "getTask",
      summary: "All that is known of a task",
      tag: "tasks",
      permission: "read",
      answers: { 200: { description: "The task.", schema: "taskDetails" } },
      async handle({ params, principal }) {
        const task = await queue.show(params.task);
        return { ...task, definition: visibleDefinition(task, principal), why: await whyOf(task, options) };
      },
    }),
    defineRoute<ApiCopyRequest>()({
      method: "POST",
      path: "/api/v1/tasks/{task}/copy",
      operation: "copyTask",
      summary: "Submits a task again, as a new one, with a machine for a person if that is wanted",
      tag: "tasks",
      permission: "submit",
      body: { api: "copyRequest" },
      answers: { 201: { description: "The new task.", schema: "task" } },
      async handle({ params, body, principal, request }) {
        const original = await queue.show(params.task);
        requireVisible(original, principal);
        const copy = copyOf(original.definition, body);
        checkPayload(copy.payload);
        const task = await queue.submit(copy, submissionOf(principal));
        noteForAudit(request, { target: `tasks/${task.taskId}`, details: { copyOf: params.task } });
        return task;
      },
    }),
    defineRoute<ApiCancelRequest>()({
      method: "POST",
      path: "/api/v1/tasks/{task}/cancel",
      operation: "cancelTask",
      summary: "Ends a task, whatever it does",
      tag: "tasks",
      permission: "submit",
      body: { api: "cancelRequest" },
      answers: { 200: { description: "The task.", schema: "task" } },
      async handle({ params, body, principal }) {
        await requireOwn(queue, params.task, principal, "cancel");
        return await queue.cancel(params.task, body.message);
      },
    }),
    defineRoute()({
      method: "POST",
      path: "/api/v1/tasks/{task}/rerun",
      operation: "rerunTask",
      summary: "Gives a task that has ended another run",
      tag: "tasks",
      permission: "submit",
      answers: { 200: { description: "The task.", schema: "task" } },
      async handle({ params, principal }) {
        await requireOwn(queue, params.task, principal, "run again");
        return await queue.rerun(params.task);
      },
    }),
  ];
}

/** Who may not cancel the tasks of others does not do so by a newer one either. */
function submissionOf({ name, role }: Principal): SubmitOptions {
  return { submitter: name, supersedes: mayDo(role, "control") ? "all" : "own" };
}

/** @throws {ApiError} `forbidden`; {@link QueueError} `task-not-found`, `task-ambiguous` */
async function requireOwn(queue: TaskQueue, reference: string, principal: Principal, verb: string): Promise<void> {
  if (mayDo(principal.role, "control")) return;
  const { submitter } = await queue.show(reference);
  if (submitter === principal.name) return;
  const message = `${principal.name} is ${principal.role}, who may ${verb} only tasks of his own; this one is of ${submitter ?? "somebody else"}`;
  throw new ApiError(403, "forbidden", message);
}

/** A copy is to be looked at: what waits under the same key goes on waiting. */
function copyOf({ supersede: _, ...definition }: TaskDefinition, { interactive }: ApiCopyRequest): TaskDefinition {
  if (interactive === undefined) return definition;
  const { payload } = definition;
  const before: unknown = payload["interactive"];
  const merged = typeof before === "object" ? { ...before, ...interactive } : interactive;
  return { ...definition, payload: { ...payload, interactive: merged } };
}

async function whyOf(task: TaskDetails, { queue, workers, progress }: QueueRoutesOptions): Promise<string> {
  const run = task.runs.at(-1);
  const [all, report, pending] = await Promise.all([
    // What else is known of the task is worth more than this.
    workers?.list().catch(() => undefined),
    run === undefined ? undefined : progress?.({ task: task.taskId, run: run.runId }).catch(() => undefined),
    task.state === "pending" ? queue.list({ states: ["pending"], queue: task.queue, limit: MAX_LIMIT }) : [],
  ]);
  return explainTask({ task, workers: all, report, pending });
}
