import { describe, expect, it } from "vitest";
import {
  type Asker,
  type CheckpointScope,
  ownershipOf,
  whyForbidden,
} from "../../../../src/feature/checkpoints/access.ts";
import type { MachineSnapshot } from "../../../../src/generated/machine-snapshot.ts";

function ask(scope: CheckpointScope, owner: Asker, asker: Asker): string | undefined {
  const source = { task: { taskId: "a-task", runId: 0, checkpoint: "built" } };
  return whyForbidden({ source, config: ownershipOf(scope, owner) } as MachineSnapshot, asker);
}

describe("a private checkpoint", () => {
  it("is for tasks of the same submitter, or of nobody as well", () => {
    expect(ask("private", { submitter: "ann" }, { submitter: "ann" })).toBeUndefined();
    expect(ask("private", {}, {})).toBeUndefined();
    const why = "it is for tasks of who submitted its task";
    expect(ask("private", { submitter: "ann" }, { submitter: "bob" })).toBe(why);
    expect(ask("private", { submitter: "ann" }, {})).toBe(why);
    expect(ask("private", {}, { submitter: "bob" })).toBe(why);
    expect(ask("private", {}, { scopes: ["*"] })).toBe(why);
  });

  it("is for tasks with its scope, where tasks have scopes", () => {
    const owner = { scopes: [] };
    const why = "the task needs the scope queue:get-artifact:private/checkpoints/built";
    for (const scope of ["queue:get-artifact:private/checkpoints/built", "queue:get-artifact:private/*", "*"]) {
      expect(ask("private", owner, { scopes: [scope] }), scope).toBeUndefined();
    }
    for (const scope of ["queue:get-artifact:private/checkpoints/", "queue:get-artifact:private/other*", "queue"]) {
      expect(ask("private", owner, { scopes: [scope] }), scope).toBe(why);
    }
    expect(ask("private", owner, {})).toBe(why);
    expect(ask("private", owner, { submitter: "ann" })).toBe(why);
  });

  it("is for who may read its files anyway", () => {
    expect(ask("private", { submitter: "ann" }, { isOwner: true })).toBeUndefined();
  });

  it("is what a record is of that says nothing", () => {
    const record = { source: {} } as MachineSnapshot;
    expect(whyForbidden(record, { submitter: "bob" })).toBe("it is for tasks of who submitted its task");
  });
});

describe("a checkpoint of the host", () => {
  it("is for all", () => {
    expect(ask("host", { submitter: "ann" }, { submitter: "bob" })).toBeUndefined();
    expect(ask("host", { scopes: [] }, { scopes: [] })).toBeUndefined();
  });
});
