import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { resolveConfig } from "../../../src/config/config.ts";
import { Secret } from "../../../src/config/secret.ts";
import { parseDocument } from "../../../src/schema/document.ts";
import { parseMachine } from "../../../src/schema/machine.ts";
import { type JsonSchema, readSchema, resolveReference } from "../../../src/schema/schema-files.ts";

const config = new URL("../../../config/", import.meta.url);
const surroundings = { env: {}, uid: 0, home: "/root", host: { memoryMiB: 16_384, cpus: 4 } };
const example = readFileSync(new URL("worker.example.yml", config), "utf8");

/** The example with its settings that are commented out ("#key: value") put in force. */
const uncommented = example.replace(/^( *)#((?: {2})*\w+:)/gm, "$1$2");

describe("config/worker.example.yml", () => {
  it("says what the defaults are", () => {
    const document = parseDocument(example, "worker.example.yml", "host");
    expect(resolveConfig(document, surroundings)).toEqual(resolveConfig(undefined, surroundings));
  });

  it("is valid with all its settings in force, which are the defaults but for those that are off then", () => {
    const document = parseDocument(uncommented, "worker.example.yml", "host");
    const { worker, features, network, queue, access, ...rest } = resolveConfig(document, surroundings);
    const usually = resolveConfig(undefined, surroundings);
    const { worker: usual, features: usualFeatures, network: usualNetwork, ...others } = usually;
    const {
      queue: usualQueue,
      access: usualAccess,
      telemetry: _none,
      webhooks: _nobody,
      vms: _free,
      ...usualRest
    } = others;
    const { telemetry, webhooks, vms, ...plain } = rest;
    expect(vms).toEqual({ max: 20, maxMemory: 16_384, maxDiskBytes: 200 * 1_024 ** 3 });
    const requireSignature = { keys: [expect.any(String)] };
    expect(plain).toEqual({ ...usualRest, images: { ...usualRest.images, requireSignature } });
    const traces = { endpoint: expect.any(String), headers: { authorization: expect.any(Secret) }, sampling: 1 };
    expect(telemetry).toEqual({ traces });
    const events = ["task.completed", "task.failed", "task.exception"];
    expect(webhooks).toEqual([{ url: expect.any(String), secret: expect.any(Secret), events, queue: undefined }]);
    expect(features).toEqual({
      ...usualFeatures,
      artifacts: { ...usualFeatures.artifacts, manifestKey: expect.any(Secret) },
      stallTimeout: { defaultMs: expect.any(Number), maxMs: expect.any(Number) },
    });
    expect(network).toEqual({
      ...usualNetwork,
      policy: { max: "allow", allow: expect.anything() },
      limits: {
        ...usualNetwork.limits,
        packetsPerSecond: expect.any(Number),
        bytesPerSecond: expect.any(Number),
        outsideBytes: expect.any(Number),
      },
    });
    expect(queue).toEqual({
      ...usualQueue,
      workerId: expect.any(String),
      postgres: { url: expect.any(Secret) },
      taskcluster: expect.anything(),
    });
    expect(worker).toEqual({
      ...usual,
      lifecycle: { maxTasks: expect.any(Number), maxUptimeMs: expect.any(Number), idleExitMs: expect.any(Number) },
      shutdown: { ...usual.shutdown, notice: { ...usual.shutdown.notice, file: expect.any(String) } },
      gc: { ...usual.gc, maxCacheBytes: expect.any(Number) },
      http: {
        ...{ ...usual.http, listen: expect.anything(), tls: expect.anything() },
        ...{ url: expect.any(String), fleetUrl: expect.any(String) },
      },
    });
    expect(access).toEqual({
      ...usualAccess,
      oidc: {
        ...{ issuer: expect.any(String), clientId: expect.any(String), clientSecret: expect.any(Secret) },
        ...{ label: "Single sign-on", scopes: ["openid", "profile", "email"], nameClaim: expect.any(String) },
        ...{ rolesClaim: "roles", roles: expect.anything(), defaultRole: "viewer" },
      },
    });
  });

  it("shows every setting there is", () => {
    const document = parseDocument(uncommented, "worker.example.yml", "host");
    const schema = readSchema("worker-config");
    const shown = new Set(keysIn(document));
    // It takes the place of another one, and hardware is described elsewhere.
    const elsewhere = /^(worker\.shutdown\.notice\.command$|machine\.)/;
    expect([...settingsIn(schema, schema)].filter((path) => !shown.has(path) && !elsewhere.test(path))).toEqual([]);
  });
});

it("docs/configuration.md has a line for every setting", () => {
  const text = readFileSync(new URL("../docs/configuration.md", config), "utf8");
  const rows = [...text.matchAll(/^\| (`.*?) +\|/gm)].flatMap(([, cell = ""]) => {
    const [first = "", ...others] = [...cell.matchAll(/`([^`]+)`/g)].map(([, key = ""]) => key);
    return [first, ...others.map((key) => `${first.slice(0, first.lastIndexOf("."))}.${key}`)];
  });
  const schema = readSchema("worker-config");
  // Those of Taskcluster are on the page of queues, those of a machine are hardware.
  const elsewhere = /^(queue\.taskcluster|machine\.)/;
  const settings = [...settingsIn(schema, schema)].filter((path) => !elsewhere.test(path));
  expect(settings.filter((path) => !rows.some((row) => row === path || row.startsWith(`${path}.`)))).toEqual([]);
});

function* keysIn(data: unknown, prefix = ""): Generator<string> {
  if (typeof data !== "object" || data === null || Array.isArray(data)) return;
  for (const [key, value] of Object.entries(data)) {
    yield prefix + key;
    yield* keysIn(value, `${prefix}${key}.`);
  }
}

function* settingsIn(node: JsonSchema, document: JsonSchema, prefix = ""): Generator<string> {
  const target = node.$ref === undefined ? undefined : resolveReference(node.$ref, document);
  if (target !== undefined) yield* settingsIn(target.schema, target.document, prefix);
  if (node["x-secret"] === true) return;
  for (const [key, property] of Object.entries(node.properties ?? {})) {
    yield prefix + key;
    yield* settingsIn(property, document, `${prefix}${key}.`);
  }
}

const presets = readdirSync(new URL("machines/", config)).filter((file) => file.endsWith(".json"));

it.each(presets)("the machine preset %s is a machine of the newest version, described in the README", (file) => {
  const text = readFileSync(new URL(`machines/${file}`, config), "utf8");
  const data = parseDocument(text, file, "worker");
  expect(parseMachine(data, { subject: file, blame: "worker" })).toEqual(data);
  expect(readFileSync(new URL("machines/README.md", config), "utf8")).toContain(`\`${file}\``);
});
