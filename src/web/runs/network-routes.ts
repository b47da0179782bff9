/** What a run has asked of its network. */
import { ApiError } from "../api/api-error.ts";
import { defineRoute, type Route } from "../api/route.ts";
import { runOf } from "./log-request.ts";

/** Undefined where nothing is known. */
export type NetworkLookup = (key: { task: string; run: number | "latest" }) => Promise<object | undefined>;

export function networkRoutes(lookup: NetworkLookup): Route[] {
  return [
    defineRoute()({
      method: "GET",
      path: "/api/v1/tasks/{task}/runs/{run}/network",
      operation: "getNetwork",
      summary: "What a run has asked of its network",
      tag: "runs",
      permission: "read",
      answeredBy: "run",
      answers: { 200: { description: "Policy, counts and the latest entries.", schema: "network" } },
      async handle({ params }) {
        const key = { task: params.task, run: runOf(params.run) };
        const report = await lookup(key);
        if (report !== undefined) return report;
        const message = `nothing is known of the network of run ${key.run} of task ${key.task}: it has not begun, or has asked for nothing`;
        throw new ApiError(404, "network-not-found", message);
      },
    }),
  ];
}
