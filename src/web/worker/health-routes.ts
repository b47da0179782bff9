/** `/healthz`: does the process work; `/readyz`: does it take tasks. For load balancers and those who restart things. */
import { withoutPaths } from "../api/api-error.ts";
import { defineRoute, type Route } from "../api/route.ts";

export interface HealthPort {
  /** Sentences on what hangs; none: it works. */
  health(): readonly string[];
  /** Why it takes no tasks; undefined: it does, or has as many as it can have. */
  unready(): string | undefined;
}

export function healthRoutes(port: HealthPort): Route[] {
  return [
    defineRoute()({
      method: "GET",
      path: "/healthz",
      operation: "getHealth",
      summary: "Whether the process works",
      tag: "observation",
      permission: undefined,
      answers: {
        200: { description: "It works.", schema: "health" },
        503: { description: "Something hangs.", schema: "health" },
      },
      handle({ response }) {
        const problems = port.health().map(withoutPaths);
        response.status(problems.length === 0 ? 200 : 503).json({ healthy: problems.length === 0, problems });
      },
    }),
    defineRoute()({
      method: "GET",
      path: "/readyz",
      operation: "getReadiness",
      summary: "Whether it takes tasks",
      tag: "observation",
      permission: undefined,
      answers: {
        200: { description: "It does, or has as many as it can have.", schema: "readiness" },
        503: { description: "It does not.", schema: "readiness" },
      },
      handle({ response }) {
        const unready = port.unready();
        const why = unready === undefined ? undefined : withoutPaths(unready);
        response
          .status(why === undefined ? 200 : 503)
          .json({ ready: why === undefined, ...(why === undefined ? {} : { why }) });
      },
    }),
  ];
}
