import { describe, expect, it } from "vitest";
import { InvalidInputError } from "../../../../src/base/errors.ts";
import { resolveConfig } from "../../../../src/config/config.ts";
import { parsePayload } from "../../../../src/feature/payload.ts";

const surroundings = { env: {}, uid: 0, home: "/root", host: { memoryMiB: 4_096, cpus: 2 } };

/** @param section `features.checkpoints` of the configuration. */
function parse(payload: object, section: object = {}) {
  const { features } = resolveConfig({ features: { checkpoints: section } }, surroundings);
  return parsePayload({ command: ["true"], ...payload }, { subject: "The payload", blame: "task", features });
}

function issuesOf(payload: object, section?: object): string[] {
  try {
    parse(payload, section);
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    return error.issues.map(({ path, message }) => `${path}: ${message}`);
  }
  return [];
}

describe("checkpoints of a task", () => {
  it("are private, and as many as the worker allows", () => {
    expect(parse({}).checkpoints).toBeUndefined();
    expect(parse({ checkpoints: {} }).checkpoints).toEqual({ max: undefined, scope: "private", expiresMs: undefined });
    const all = { max: 2, scope: "host", expires: "90 minutes" };
    expect(parse({ checkpoints: all }).checkpoints).toEqual({ max: 2, scope: "host", expiresMs: 5_400_000 });
  });

  it("keep to what the worker allows", () => {
    const section = { maxPerTask: 2, maxExpires: "1 hour" };
    expect(issuesOf({ checkpoints: { max: 3, expires: "2 hours" } }, section)).toEqual([
      "checkpoints.max: 3 is more than this worker allows, 2",
      "checkpoints.expires: 2 h is longer than the 1 h this worker allows",
    ]);
    expect(issuesOf({ checkpoints: {} }, { enabled: false })).toEqual(["checkpoints: is not allowed by this worker"]);
  });
});

describe("a start from a checkpoint", () => {
  const from = { task: "a-task", checkpoint: "built" };

  it("is the only one unless it says which of how many", () => {
    expect(parse({ from }).from).toEqual({ ...from, run: undefined, index: 0, count: 1 });
    const last = { ...from, run: 2, index: 9, count: 10 };
    expect(parse({ from: last }).from).toEqual(last);
    expect(issuesOf({ from: { ...from, index: 1 } })).toEqual(["from.index: must be less than from.count, which is 1"]);
  });

  it("leaves no choice of image and machine", () => {
    const message = "is that of the checkpoint where there is `from`; leave it out";
    const payload = { from, image: "debian-minimal", machine: { memory: 512 } };
    expect(issuesOf(payload)).toEqual([`image: ${message}`, `machine: ${message}`]);
    expect(issuesOf({ from }, { enabled: false })).toEqual(["from: is not allowed by this worker"]);
  });

  it.each(["", "Built", "a b", "../x", `a${"b".repeat(63)}`])("refuses the name %j", (checkpoint) => {
    const [issue, ...others] = issuesOf({ from: { ...from, checkpoint } });
    expect(issue).toMatch(/^from.checkpoint: must be the name of a checkpoint: up to 63 lower-case letters, .* not "/);
    expect(others).toEqual([]);
  });
});
