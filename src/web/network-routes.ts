/** What a run has asked of its network: `GET …/<task>/runs/<run>/network`, as JSON. */
import { Router } from "express";
import { ApiError } from "./api-error.ts";
import { runOf } from "./log-request.ts";

/** Undefined where nothing is known. */
export type NetworkLookup = (key: { task: string; run: number | "latest" }) => Promise<object | undefined>;

export function networkRouter(lookup: NetworkLookup): Router {
  const router = Router();
  router.get("/:task/runs/:run/network", async (request, response) => {
    const key = { task: request.params.task, run: runOf(request.params.run) };
    const report = await lookup(key);
    if (report === undefined) {
      const message = `nothing is known of the network of run ${key.run} of task ${key.task}: it has not begun, or has asked for nothing`;
      throw new ApiError(404, "network-not-found", message);
    }
    response.set("Cache-Control", "no-store").json(report);
  });
  return router;
}
