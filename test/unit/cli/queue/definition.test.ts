import { describe, expect, it } from "vitest";
import { buildDefinition } from "../../../../src/cli/queue/definition.ts";

const NOTHING = {
  ...{ command: [], image: undefined, priority: undefined, name: undefined, deadline: undefined, queue: undefined },
  ...{ defaultQueue: "default", dependencies: [] },
} as const;

const ID = "A".repeat(22);

describe("the definition of a task from the command line", () => {
  it("is a payload alone, or a task with one in it", () => {
    const payload = { command: ["true"] };
    expect(buildDefinition(payload, NOTHING, "it")).toMatchObject({ payload, queue: "default", priority: "medium" });
    const task = { payload, queue: "large", priority: "low", metadata: { name: "a", owner: "me" } };
    expect(buildDefinition(task, NOTHING, "it")).toMatchObject(task);
  });

  it("is changed by what the flags say, and keeps the rest", () => {
    const task = { payload: { command: ["a"], image: "i" }, dependencies: [ID], metadata: { owner: "me" } };
    const other = "B".repeat(22);
    const flags = { command: ["b"], name: "n", queue: "large", deadline: "1 hour", dependencies: [ID, other] };
    expect(buildDefinition(task, { ...NOTHING, ...flags, priority: "high" }, "it")).toMatchObject({
      ...{ payload: { command: ["b"], image: "i" }, queue: "large", priority: "high", deadline: "1 hour" },
      ...{ dependencies: [ID, other], metadata: { owner: "me", name: "n" } },
    });
  });

  it("replaces the steps of a payload by a command", () => {
    const built = buildDefinition({ steps: [{ command: ["a"] }] }, { ...NOTHING, command: ["b"] }, "it");
    expect(built.payload).toEqual({ command: ["b"] });
  });

  it("is refused with every issue", () => {
    const task = { payload: {}, priority: "urgent", dependencies: ["x"], unknown: 1 };
    expect(() => buildDefinition(task, NOTHING, "The task")).toThrow(/3 issues/);
    expect(() => buildDefinition("text", NOTHING, "The task")).toThrow(/payload/);
  });
});
