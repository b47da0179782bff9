import { describe, expect, it } from "vitest";
import { resolveConfig } from "../../../src/config/config.ts";

const surroundings = { env: {}, uid: 0, home: "/root", host: { memoryMiB: 16_384, cpus: 4 } };
const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const hook = { url: "https://ci.example.com/hook", secret: SECRET };

function issuesOf(document: object): string[] {
  try {
    resolveConfig(document, surroundings);
    return [];
  } catch (error) {
    return (error as { issues: { path: string; message: string }[] }).issues.map(({ path, message }) => {
      return `${path}: ${message}`;
    });
  }
}

describe("traces in a configuration", () => {
  it("have their headers as secrets, and all runs by default", () => {
    const traces = { endpoint: "http://c.example.com:4318/v1/traces", headers: { "x-key": "hush" } };
    const { telemetry } = resolveConfig({ telemetry: { traces } }, surroundings);
    expect(telemetry.traces).toMatchObject({ endpoint: traces.endpoint, sampling: 1 });
    expect(telemetry.traces?.headers["x-key"]?.reveal()).toBe("hush");
    expect(JSON.stringify(telemetry)).not.toContain("hush");
  });

  it.each([
    [{ endpoint: "collector:4318" }, /^telemetry\.traces\.endpoint: must be a URL/],
    [{ endpoint: "http://[::1" }, /^telemetry\.traces\.endpoint: .*is no URL/],
    [{}, /^telemetry\.traces/],
    [{ endpoint: "http://c.example.com", sampling: 2 }, /^telemetry\.traces\.sampling/],
    [{ endpoint: "http://c.example.com", headers: { "a b": "c" } }, /^telemetry\.traces\.headers/],
  ])("%j are refused", (traces, issue) => {
    expect(issuesOf({ telemetry: { traces } })).toEqual([expect.stringMatching(issue)]);
  });
});

describe("webhooks in a configuration", () => {
  it("tell of the ends of tasks, of every queue, unless they say otherwise", () => {
    const { webhooks } = resolveConfig(
      { webhooks: [hook, { ...hook, queue: "a/b", events: ["task.pending"] }] },
      surroundings,
    );
    expect(webhooks).toMatchObject([
      { url: hook.url, events: ["task.completed", "task.failed", "task.exception"], queue: undefined },
      { events: ["task.pending"], queue: "a/b" },
    ]);
    expect(webhooks[0]?.secret.reveal()).toBe(SECRET);
    expect(JSON.stringify(webhooks)).not.toContain(SECRET);
  });

  it.each([
    [[{ ...hook, url: "ftp://ci.example.com" }], /^webhooks\[0\]\.url: must be a URL/],
    [[{ ...hook, url: "http://[::1" }], /^webhooks\[0\]\.url: .*is no URL/],
    [[{ ...hook, url: "https://me:too@ci.example.com" }], /^webhooks\[0\]\.url: must not hold a name or password/],
    [[{ ...hook, events: ["task.begun"] }], /^webhooks\[0\]\.events\[0\]/],
    [[{ url: hook.url }], /^webhooks\[0\]/],
    [[hook, { ...hook, events: ["task.failed"] }], /^webhooks\[1\]: is webhooks\[0\] once more/],
  ])("%j are refused", (webhooks, issue) => {
    expect(issuesOf({ webhooks })).toEqual([expect.stringMatching(issue)]);
  });

  it("are refused with Taskcluster, which has its own", () => {
    const credentials = { clientId: "a", accessToken: "b" };
    const queue = {
      driver: "taskcluster",
      name: "a/b",
      taskcluster: { rootUrl: "https://tc.example.com", credentials },
    };
    expect(issuesOf({ queue })).toEqual([]);
    expect(issuesOf({ queue, webhooks: [hook] })).toEqual([expect.stringMatching(/^webhooks: .*Pulse/)]);
  });
});
