import { describe, expect, it } from "vitest";
import { InvalidInputError } from "../../../../src/base/errors.ts";
import { resolveConfig } from "../../../../src/config/config.ts";
import { parsePayload } from "../../../../src/feature/payload.ts";

const surroundings = { env: {}, uid: 0, home: "/root", host: { memoryMiB: 4_096, cpus: 2 } };

/** @param section `features.onFailure` of the configuration. */
function parse(onFailure: unknown, section: object = {}) {
  const { features } = resolveConfig({ features: { onFailure: section } }, surroundings);
  return parsePayload({ command: ["true"], onFailure }, { subject: "The payload", blame: "task", features });
}

function issuesOf(onFailure: unknown, section?: object): string[] {
  try {
    parse(onFailure, section);
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    return error.issues.map(({ path, message }) => `${path}: ${message}`);
  }
  return [];
}

describe("what a task wants to be done when it fails", () => {
  it("is nothing, or that its machine is kept for a time", () => {
    expect(parse(undefined).onFailure).toBeUndefined();
    expect(parse({ keep: "90 minutes" }).onFailure).toEqual({ keepMs: 5_400_000 });
    expect(parse({ keep: 30 }).onFailure).toEqual({ keepMs: 30_000 });
  });

  it("keeps to what the worker allows", () => {
    expect(issuesOf({ keep: "2 hours" }, { maxKeep: "1 hour" })).toEqual([
      "onFailure.keep: 2 h is longer than the 1 h this worker allows",
    ]);
    expect(issuesOf({ keep: "1 hour" }, { enabled: false })).toEqual(["onFailure: is not allowed by this worker"]);
  });

  it.each([[{}], [{ keep: 0 }], [{ keep: "soon" }], [{ keep: "1 hour", where: "there" }], ["1 hour"]])(
    "is not %j",
    (onFailure) => {
      expect(issuesOf(onFailure).length).toBeGreaterThan(0);
    },
  );
});
