import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import type { Principal } from "../../../src/access/principal.ts";
import { createApp } from "../../../src/web/api/app.ts";
import { metricsRoutes } from "../../../src/web/worker/metrics-routes.ts";
import { attachedMetrics } from "../../fixtures/telemetry/attached-metrics.ts";
import { parsePrometheusText } from "../../fixtures/telemetry/prometheus-text.ts";

const VIEWER: Principal = { name: "prometheus", role: "viewer", via: "token" };

async function listen() {
  const metrics = attachedMetrics();
  const app = createApp({
    routes: metricsRoutes(metrics),
    authenticate: async ({ headers }) => (headers.authorization === "Bearer viewer" ? VIEWER : undefined),
    observe: (route, _call, answer) => metrics.http.answered(route, answer),
  });
  const server = createServer(app).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it("tells metrics to who may read, and counts those who may not", async () => {
  const address = await listen();
  const refused = await fetch(`${address}/metrics`);
  expect(refused.status).toBe(401);
  expect(await refused.json()).toMatchObject({ code: "unauthenticated" });
  const answer = await fetch(`${address}/metrics`, { headers: { authorization: "Bearer viewer" } });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(answer.headers.get("cache-control")).toBe("no-store");
  const families = parsePrometheusText(await answer.text());
  const requests = families.find(({ name }) => name === "boxcar_http_requests_total")?.samples;
  expect(requests).toEqual([
    { name: "boxcar_http_requests_total", labels: { operation: "getMetrics", method: "GET", status: "401" }, value: 1 },
  ]);
});

it("makes no label of what clients ask for", async () => {
  const address = await listen();
  for (const path of ["/nothing/here", "/metrics/more", "/%ff"]) await fetch(address + path);
  const answer = await fetch(`${address}/metrics`, { headers: { authorization: "Bearer viewer" } });
  expect(await answer.text()).not.toMatch(/nothing|more|ff"/);
});
