import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvalidInputError } from "../../../src/base/errors.ts";
import { fillDefaults } from "../../../src/schema/fill-defaults.ts";
import { parseAs } from "../../../src/schema/parse.ts";

const options = { subject: "The document", blame: "host" } as const;

describe("parseAs", () => {
  it("fills defaults into a copy", () => {
    const data = { limits: { maxLogMiB: 1 } };
    const config = parseAs("worker-config", data, options);
    expect(config.limits).toMatchObject({ maxLogMiB: 1, maxRunTime: "1 hour" });
    expect(config.images?.default).toBe("debian-minimal");
    expect(data).toEqual({ limits: { maxLogMiB: 1 } });
  });

  it("leaves the fields of a machine unset, so that lower layers count", () => {
    expect(parseAs("machine", { version: 2 }, options)).toEqual({ version: 2 });
    expect(parseAs("worker-config", { machine: { memory: 5 } }, options).machine).toEqual({ memory: 5 });
  });

  it("does not share defaults between two results", () => {
    const first = parseAs("worker-config", {}, options);
    (first.limits as Record<string, unknown>)["maxLogMiB"] = 7;
    expect(parseAs("worker-config", {}, options).limits?.maxLogMiB).toBe(1_024);
  });

  it("blames who is to blame and names the subject", () => {
    const parse = () => parseAs("machine-options", { maxCPUs: 0 }, { subject: "limits.yml", blame: "image" });
    expect(parse).toThrow(InvalidInputError);
    expect(parse).toThrow(
      expect.objectContaining({ blame: "image", message: expect.stringContaining("limits.yml has 2") }),
    );
  });

  it("refuses keys that JavaScript objects treat in their own way", () => {
    for (const key of ["__proto__", "constructor", "toString"]) {
      const data: unknown = JSON.parse(`{"maxMemory": 1, "${key}": {}}`);
      expect(() => parseAs("machine-options", data, options)).toThrow(key);
    }
  });

  it("accepts or refuses any JSON without any other error", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (data) => {
        try {
          parseAs("task-payload", data, options);
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidInputError);
        }
      }),
    );
  });

  it("checks an image's date", () => {
    const image = { name: "x", created: "2026-11-21T10:00:00Z" };
    expect(parseAs("image", image, options)).toEqual(image);
    expect(() => parseAs("image", { ...image, created: "last week" }, options)).toThrow("date and time");
  });
});

it("fills defaults into the entries of lists, and not through references", () => {
  const data = { list: [{}, { a: 2 }], part: {} };
  fillDefaults(
    {
      properties: {
        list: { items: { properties: { a: { default: 1 } } } },
        part: { $ref: "#/$defs/part" },
        whole: { default: {}, properties: { b: { default: "x" } } },
      },
      $defs: { part: { properties: { c: { default: 3 } } } },
    },
    data,
  );
  expect(data).toEqual({ list: [{ a: 1 }, { a: 2 }], part: {}, whole: { b: "x" } });
});
