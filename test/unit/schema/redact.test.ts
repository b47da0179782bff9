import { expect, it } from "vitest";
import { redact, redactAs } from "../../../src/schema/redact.ts";

it("replaces secrets wherever their schema says they are", () => {
  const schema = {
    properties: {
      token: { "x-secret": true },
      list: { items: { properties: { key: { $ref: "#/$defs/key" } } } },
      map: { additionalProperties: { "x-secret": true } },
    },
    $defs: { key: { type: "string", "x-secret": true } },
  };
  const data = { token: { a: 1 }, list: [{ key: "k", name: "n" }], map: { toString: "s" }, other: [1] };
  expect(redact(data, schema)).toEqual({
    token: "[secret]",
    list: [{ key: "[secret]", name: "n" }],
    map: { toString: "[secret]" },
    other: [1],
  });
  expect(data.token).toEqual({ a: 1 });
});

it("hides the environment of a task and follows references into other schemas", () => {
  const payload = { command: ["true"], env: { TOKEN: "hunter2" }, machine: { memory: 1 } };
  expect(redactAs("task-payload", payload)).toEqual({ ...payload, env: { TOKEN: "[secret]" } });
});
