/** `/healthz`: does the process work; `/readyz`: does it take tasks. For load balancers and those who restart things. */
import { Router } from "express";

export interface HealthPort {
  /** Sentences on what hangs; none: it works. */
  health(): readonly string[];
  /** Why it takes no tasks; undefined: it does, or has as many as it can have. */
  unready(): string | undefined;
}

export function healthRoutes(port: HealthPort): Router {
  const router = Router();
  router.get("/healthz", (_request, response) => {
    const problems = port.health();
    response.status(problems.length === 0 ? 200 : 503).json({ healthy: problems.length === 0, problems });
  });
  router.get("/readyz", (_request, response) => {
    const why = port.unready();
    response
      .status(why === undefined ? 200 : 503)
      .json({ ready: why === undefined, ...(why === undefined ? {} : { why }) });
  });
  return router;
}
