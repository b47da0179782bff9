import { describe, expect, it } from "vitest";
import { InvalidInputError } from "../../../src/base/errors.ts";
import { resolveConfig } from "../../../src/config/config.ts";
import { parsePayload } from "../../../src/feature/payload.ts";

const surroundings = { env: {}, uid: 0, home: "/root", host: { memoryMiB: 4_096, cpus: 2 } };

/** @param section Of `features` in the configuration. */
function parse(section: object, payload: object) {
  const { features, limits } = resolveConfig({ features: section, limits: { maxRunTime: "1 hour" } }, surroundings);
  const options = { subject: "The payload", blame: "task", maxRunTimeMs: limits.maxRunTimeMs, features } as const;
  return parsePayload({ command: ["true"], ...payload }, options);
}

function issuesOf(section: object, payload: object): string[] {
  try {
    parse(section, payload);
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    expect(error.blame).toBe("task");
    return error.issues.map(({ path, message }) => `${path}: ${message}`);
  }
  return [];
}

describe("a worker that says who decides about the run time", () => {
  it("requires it", () => {
    const section = { maxRunTime: { perTask: "require" } };
    expect(parse(section, { maxRunTime: 60 }).maxRunTimeMs).toBe(60_000);
    expect(issuesOf(section, {})).toEqual(["maxRunTime: must be there on this worker; a task may ask for 1 h at most"]);
  });

  it("forbids it", () => {
    const section = { maxRunTime: { perTask: "forbid" } };
    expect(parse(section, {}).maxRunTimeMs).toBeUndefined();
    expect(issuesOf(section, { maxRunTime: 60 })).toEqual([
      "maxRunTime: is not for tasks of this worker, which may all run for 1 h",
    ]);
  });

  it("keeps its bound either way", () => {
    expect(issuesOf({ maxRunTime: { perTask: "require" } }, { maxRunTime: "2 hours" })).toEqual([
      "maxRunTime: 2 h is longer than the 1 h this worker allows",
    ]);
  });
});

describe("a stall time-out", () => {
  it("is a duration within the bound of the worker, which is the longest run time by default", () => {
    expect(parse({}, { stallTimeout: "1 hour" }).stallTimeoutMs).toBe(3_600_000);
    expect(issuesOf({}, { stallTimeout: "2 hours" })).toHaveLength(1);
    expect(issuesOf({ stallTimeout: { max: 60 } }, { stallTimeout: 61 })).toEqual([
      "stallTimeout: 1 min 1 s is longer than the 1 min this worker allows",
    ]);
  });

  it("is a second or more", () => {
    expect(issuesOf({}, { stallTimeout: 0.5 })).toEqual([
      "stallTimeout: 500 ms is shorter than one second, the least there is",
    ]);
  });

  it("has a default below its bound", () => {
    expect(() => parse({ stallTimeout: { default: 120, max: 60 } }, {})).toThrow("features.stallTimeout.default");
    expect(() => parse({ stallTimeout: { default: "soon" } }, {})).toThrow("features.stallTimeout.default");
  });
});

it("lists what the schema and what the worker has against a payload together", () => {
  const section = { maxRunTime: { perTask: "require" } };
  const payload = {
    tty: "yes",
    secrets: ["TOKEN"],
    inputs: [{ url: "https://a.example/", sha256: "0".repeat(64), path: "/a" }],
  };
  expect(issuesOf(section, payload).map((line) => line.slice(0, line.indexOf(": ")))).toEqual([
    "tty",
    "maxRunTime",
    "inputs[0].url",
    "secrets[0]",
  ]);
});

it("allows nothing where no configuration is given", () => {
  const parseBare = (payload: object) => () =>
    parsePayload({ command: ["true"], ...payload }, { subject: "It", blame: "task" });
  expect(parseBare({ secrets: ["HOME"] })).toThrow("secrets[0]");
  expect(parseBare({ inputs: [{ url: "https://a.example/", sha256: "0".repeat(64), path: "/a" }] })).toThrow(
    "inputs[0].url",
  );
});

it("refuses exit codes no command ends with, and 0, which is none to retry after", () => {
  for (const code of [0, -1, 1.5, "75"]) {
    expect(issuesOf({}, { onExitStatus: { retry: [code] } })).toHaveLength(1);
  }
  expect(parse({}, { onExitStatus: { retry: [75] } }).onExitStatus).toEqual({ retry: [75], purgeCaches: [] });
});

it("refuses prefixes of URLs that are none", () => {
  expect(() => parse({ inputs: { allow: ["https://a.example/?x"] } }, {})).toThrow("features.inputs.allow[0]");
});
