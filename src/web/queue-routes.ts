/** The queue: submit, list, show, cancel, run again. */
import type { ApiCancelRequest } from "../generated/api.ts";
import type { TaskDefinition } from "../generated/task-definition.ts";
import { TASK_STATES } from "../queue/task.ts";
import type { TaskQueue } from "../queue/task-queue.ts";
import { choices, integer, text } from "./parameters.ts";
import { defineRoute, type Route } from "./route.ts";

export interface QueueRoutesOptions {
  queue: TaskQueue;
  /** Throws what is wrong with a payload, before anybody waits for its task. */
  checkPayload: (payload: unknown) => void;
}

const MAX_LIMIT = 1_000;

export function queueRoutes({ queue, checkPayload }: QueueRoutesOptions): Route[] {
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
      async handle({ body }) {
        checkPayload(body.payload);
        return await queue.submit(body);
      },
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
      },
      answers: { 200: { description: "The newest first.", schema: "tasks" } },
      handle: ({ query: { state, queue: name, limit, before } }) =>
        queue.list({
          ...(state === undefined ? {} : { states: state }),
          ...(name === undefined ? {} : { queue: name }),
          ...(limit === undefined ? {} : { limit }),
          ...(before === undefined ? {} : { before }),
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
      handle: ({ params }) => queue.show(params.task),
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
      handle: ({ params, body }) => queue.cancel(params.task, body.message),
    }),
    defineRoute()({
      method: "POST",
      path: "/api/v1/tasks/{task}/rerun",
      operation: "rerunTask",
      summary: "Gives a task that has ended another run",
      tag: "tasks",
      permission: "submit",
      answers: { 200: { description: "The task.", schema: "task" } },
      handle: ({ params }) => queue.rerun(params.task),
    }),
    defineRoute()({
      method: "GET",
      path: "/api/v1/tasks/{task}/artifacts",
      operation: "listTaskArtifacts",
      summary: "What was kept of the last run of a task",
      tag: "runs",
      permission: "read",
      answers: { 200: { description: "Its artifacts.", schema: "artifacts" } },
      async handle({ params }) {
        const artifacts = await queue.artifacts(params.task);
        return artifacts.map(({ file: _file, ...artifact }) => artifact);
      },
    }),
  ];
}
