import { readFile } from "node:fs/promises";
import { Validator } from "@seriousme/openapi-schema-validator";
import type { Express, Router } from "express";
import { describe, expect, it } from "vitest";
import { apiTable } from "../../../scripts/api-table.ts";
import { HOST } from "../../../src/access/principal.ts";
import { PERMISSIONS } from "../../../src/access/role.ts";
import { describeApi, describedRoutes } from "../../../src/cli/worker/describe-api.ts";
import { resolveConfig } from "../../../src/config/config.ts";
import { createAjv } from "../../../src/schema/ajv.ts";
import { createApp } from "../../../src/web/api/app.ts";
import { expressPath } from "../../../src/web/api/route-router.ts";

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly "x-websocket"?: boolean;
}

type Layer = Router["stack"][number] & { handle?: Partial<Router> };

const config = resolveConfig({}, { env: {}, uid: 0, home: "/root", host: { memoryMiB: 65_536, cpus: 8 } });
const document = describeApi(config) as {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object> };
};
const { routes, sockets } = describedRoutes(config);

/** `GET /path/:name`, as express has them. */
function registered(app: Express): string[] {
  const inside = (layers: readonly Layer[]): string[] =>
    layers.flatMap(({ route, handle }) => {
      if (route !== undefined) {
        // What only looks which methods there are is for all of them.
        const methods = route.stack.flatMap(({ method }) => (method === undefined ? [] : [method.toUpperCase()]));
        return [...new Set(methods)].map((method) => `${method} ${route.path}`);
      }
      return handle?.stack === undefined ? [] : inside(handle.stack as Layer[]);
    });
  return inside(app.router.stack as Layer[]);
}

describe("the OpenAPI document", () => {
  it("is one, by the rules of OpenAPI 3.1", async () => {
    const result = await new Validator().validate(structuredClone(document) as Record<string, unknown>);
    expect(result).toMatchObject({ valid: true });
    const broken = { ...structuredClone(document), info: {} };
    expect(await new Validator().validate(broken)).toMatchObject({ valid: false });
  });

  it("has schemas that can be used", () => {
    const { schemas } = document.components;
    const text = JSON.stringify({ $id: "urn:test:api", $defs: schemas });
    const ajv = createAjv();
    ajv.addSchema(JSON.parse(text.replaceAll("#/components/schemas/", "#/$defs/")) as object);
    expect(Object.keys(schemas).length).toBeGreaterThan(40);
    for (const name of Object.keys(schemas)) expect(ajv.getSchema(`urn:test:api#/$defs/${name}`), name).toBeDefined();
    const used = [...JSON.stringify(document.paths).matchAll(/#\/components\/schemas\/([\w.-]+)/g)];
    for (const [, name = ""] of used) expect(Object.keys(schemas)).toContain(name);
  });

  it("has what express has, and nothing else", () => {
    const app = createApp({ routes, authenticate: async () => HOST });
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods)
        .filter(([, operation]) => operation["x-websocket"] !== true)
        .map(([method]) => `${method.toUpperCase()} ${path}`),
    );
    const plain = routes.map(({ method, path }) => `${method} ${path.replace("{+", "{")}`);
    expect(described.sort()).toEqual(plain.sort());
    expect(registered(app).sort()).toEqual(routes.map(({ method, path }) => `${method} ${expressPath(path)}`).sort());
  });

  it("has the websockets, at addresses of their own or with what else is there", () => {
    for (const { path, operation } of sockets) {
      const found = document.paths[path]?.["get"];
      expect(found?.operationId === operation || JSON.stringify(found).includes("is a websocket"), path).toBe(true);
    }
  });

  it("has a name of its own and a summary for each operation", () => {
    const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
    const names = operations.map(({ operationId }) => operationId);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z][A-Za-z]+$/);
    for (const { summary } of operations) expect(summary).toMatch(/^[A-Z`].*[^.]$/);
  });

  it("says who may do what", () => {
    for (const { permission, operation } of routes) {
      if (permission !== undefined) expect(PERMISSIONS, operation).toContain(permission);
    }
    const changing = routes.filter(({ method, permission }) => method !== "GET" && permission === "read");
    // Who submitted the task may; the answer looks.
    expect(changing.map(({ operation }) => operation).sort()).toEqual([
      ...["keepMachine", "makeLink", "makeVmLink", "pauseVm", "releaseMachine", "removeVm", "resumeRun", "resumeVm"],
      ...["startVm", "stopVm"],
    ]);
  });
});

it("docs/api.md lists every operation: node scripts/generate-api-docs.ts", async () => {
  const text = await readFile(new URL("../../../docs/api.md", import.meta.url), "utf8");
  expect(text).toContain(apiTable({ routes, sockets }));
});
