/** The worker itself: what it does, and what an operator wants of it. */
import { Router } from "express";
import { ApiError } from "./api-error.ts";

/** What is needed of a worker. */
export interface WorkerPort {
  readonly status: object;
  pause(why: string): Promise<void>;
  resume(): void;
  /** Finishes what runs, and ends. */
  drain(why: string): void;
  /** Ends what runs, and itself. */
  stop(why: string): void;
}

const MAX_REASON = 200;

export function workerRoutes(worker: WorkerPort): Router {
  const router = Router();
  router.get("/", (_request, response) => void response.json(worker.status));
  router.post("/pause", async (request, response) => {
    await worker.pause(reasonOf(request.body, "an operator paused it"));
    response.json(worker.status);
  });
  router.post("/resume", (_request, response) => {
    worker.resume();
    response.json(worker.status);
  });
  router.post("/drain", (request, response) => {
    worker.drain(reasonOf(request.body, "an operator drains it"));
    response.status(202).json(worker.status);
  });
  router.post("/stop", (request, response) => {
    worker.stop(reasonOf(request.body, "an operator stopped it"));
    response.status(202).json(worker.status);
  });
  return router;
}

function reasonOf(body: unknown, otherwise: string): string {
  const reason = typeof body === "object" && body !== null && "reason" in body ? body.reason : undefined;
  if (reason === undefined) return otherwise;
  if (typeof reason !== "string" || reason.length > MAX_REASON || /\p{Cc}/u.test(reason)) {
    throw new ApiError(400, "bad-request", `reason must be a text of at most ${MAX_REASON} characters on one line`);
  }
  return reason;
}
