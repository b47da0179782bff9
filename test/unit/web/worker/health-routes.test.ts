import type { Response } from "express";
import { expect, it } from "vitest";
import type { Call } from "../../../../src/web/api/route.ts";
import { healthRoutes } from "../../../../src/web/worker/health-routes.ts";

it("who has not logged in is not told where things are on the host", async () => {
  const said: unknown[] = [];
  const response = { status: () => ({ json: (body: unknown) => said.push(body) }) } as unknown as Response;
  const why = "waiting: no disk space is left at /var/lib/boxcar/runs (ENOSPC)";
  for (const { handle } of healthRoutes({ health: () => [why], unready: () => why })) {
    await handle({ response } as Partial<Call> as Call);
  }
  const told = "waiting: no disk space is left at … (ENOSPC)";
  expect(said).toEqual([
    { healthy: false, problems: [told] },
    { ready: false, why: told },
  ]);
});
