/** The queue: submit, list, show, cancel, run again. */
import { type Request, Router } from "express";
import { TASK_STATES, type TaskState } from "../queue/task.ts";
import type { TaskFilter, TaskQueue } from "../queue/task-queue.ts";
import { parseAs } from "../schema/parse.ts";
import { ApiError } from "./api-error.ts";

export interface QueueRoutesOptions {
  queue: TaskQueue;
  /** Throws what is wrong with a payload, before anybody waits for its task. */
  checkPayload: (payload: unknown) => void;
}

const MAX_LIMIT = 1_000;

export function queueRoutes({ queue, checkPayload }: QueueRoutesOptions): Router {
  const router = Router();
  router.post("/", async (request, response) => {
    const definition = parseAs("task-definition", request.body, { subject: "The task", blame: "task" });
    checkPayload(definition.payload);
    response.status(201).json(await queue.submit(definition));
  });
  router.get("/", async (request, response) => void response.json(await queue.list(filterOf(request))));
  router.get("/:task", async (request, response) => void response.json(await queue.show(request.params.task)));
  router.post("/:task/cancel", async (request, response) => {
    response.json(await queue.cancel(request.params.task));
  });
  router.post("/:task/rerun", async (request, response) => {
    response.json(await queue.rerun(request.params.task));
  });
  router.get("/:task/artifacts", async (request, response) => {
    const artifacts = await queue.artifacts(request.params.task);
    response.json(artifacts.map(({ file: _file, ...artifact }) => artifact));
  });
  return router;
}

function filterOf({ query }: Request): TaskFilter {
  const { state, queue, limit, before } = query;
  return {
    ...(state === undefined ? {} : { states: statesOf(String(state)) }),
    ...(queue === undefined ? {} : { queue: String(queue) }),
    ...(limit === undefined ? {} : { limit: limitOf(String(limit)) }),
    ...(before === undefined ? {} : { before: String(before) }),
  };
}

function statesOf(text: string): TaskState[] {
  return text.split(",").map((name) => {
    const state = TASK_STATES.find((known) => known === name);
    if (state === undefined) {
      throw new ApiError(
        400,
        "bad-request",
        `there is no state ${JSON.stringify(name)}; there are ${TASK_STATES.join(", ")}`,
      );
    }
    return state;
  });
}

function limitOf(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw new ApiError(400, "bad-request", `limit must be a number from 1 to ${MAX_LIMIT}`);
}
