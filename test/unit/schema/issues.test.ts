import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { issuesFrom } from "../../../src/schema/issues.ts";

/** What is said of `data` by `schema`, one "path: message" a line. */
function issues(schema: object, data: unknown): string[] {
  const ajv = new Ajv2020({ allErrors: true, verbose: true, allowUnionTypes: true });
  ajv.addVocabulary(["x-secret", "x-rule"]);
  const validate = ajv.compile(schema);
  validate(data);
  return issuesFrom(validate.errors ?? []).map(({ path, message }) => `${path}: ${message}`);
}

const person = {
  type: "object",
  additionalProperties: false,
  required: ["name"],
  properties: {
    name: { type: "string", minLength: 2, maxLength: 5 },
    age: { type: "integer", minimum: 1, maximum: 150 },
    color: { enum: ["red", "green", "blue"] },
    tags: { type: "array", maxItems: 2, uniqueItems: true, items: { type: "string", pattern: "^[a-z]$" } },
    version: { const: 2 },
    secret: { type: "string", pattern: "^[a-z]+$", "x-secret": true, "x-rule": "must be letters" },
    speed: { type: "number", exclusiveMinimum: 0, exclusiveMaximum: 10 },
    time: { type: ["number", "string"], "x-rule": "must be seconds or a text" },
    plain: { type: ["number", "string"] },
  },
};

describe("issuesFrom", () => {
  it("tells a missing key from an unknown one, and suggests the nearest", () => {
    expect(issues(person, { nmae: "x" })).toEqual([
      "name: is missing",
      'nmae: is not a known key; did you mean "name"?',
    ]);
  });

  it("lists the known keys where none is near", () => {
    expect(issues(person, { name: "Ann", zzzzzz: 1 })[0]).toContain("known here: name, age, color");
  });

  it("lists the values of an enum and suggests the nearest", () => {
    expect(issues(person, { name: "Ann", color: "gren" })).toEqual([
      'color: must be one of red, green, blue, not "gren"; did you mean "green"?',
    ]);
  });

  it("names figures, lengths and counts", () => {
    expect(issues(person, { name: "A", age: 200, tags: ["a", "b", "c"], speed: 0 })).toEqual([
      "name: must be at least 2 characters long",
      "age: must be at most 150, not 200",
      "tags: must have at most 2 entries",
      "speed: must be more than 0, not 0",
    ]);
    expect(issues(person, { name: "Barbara", age: 0, speed: 10, version: 3 })).toEqual([
      "name: must be at most 5 characters long",
      "age: must be at least 1, not 0",
      "version: must be 2, not 3",
      "speed: must be less than 10, not 10",
    ]);
  });

  it("shows the path into lists, and the expression where a pattern has no rule in words", () => {
    expect(issues(person, { name: "Ann", tags: ["a", "B"] })).toEqual(['tags[1]: must match ^[a-z]$, not "B"']);
    expect(issues(person, { name: "Ann", tags: ["a", "a"] })).toEqual(["tags: has the same entry at 0 and 1"]);
  });

  it("says only that the type is wrong where it is", () => {
    expect(issues(person, { name: "Ann", age: 0.5 })).toEqual(["age: must be a whole number, not 0.5"]);
    expect(issues(person, { name: true })).toEqual(["name: must be text, not true; put it in quotes"]);
    expect(issues(person, [])).toEqual([": must be an object, not a list"]);
    expect(issues(person, { name: "Ann", time: null })).toEqual(["time: must be seconds or a text, not null"]);
    expect(issues(person, { name: "Ann", plain: {} })).toEqual(["plain: must be a number or text, not an object"]);
  });

  it("never shows a secret", () => {
    expect(issues(person, { name: "Ann", secret: "hunter2" })).toEqual(["secret: must be letters"]);
    expect(issues(person, { name: "Ann", secret: 1234 })).toEqual(["secret: must be text; put it in quotes"]);
  });

  it("cuts long values and keys, and writes odd keys in brackets", () => {
    const [issue = ""] = issues(person, { name: "Ann", color: "x".repeat(10_000) });
    expect(issue.length).toBeLessThan(200);
    const [key = ""] = issues(person, { name: "Ann", ["k".repeat(10_000)]: 1 });
    expect(key.length).toBeLessThan(300);
    expect(issues(person, { name: "Ann", "a b/c~d": 1 })[0]).toMatch(/^\["a b\/c~d"\]: /);
  });

  const choice = {
    type: "object",
    properties: {
      source: {
        "x-rule": "must be a name or an object with url",
        oneOf: [
          { type: "string", minLength: 1 },
          { type: "object", required: ["url"], properties: { url: { type: "string" } } },
        ],
      },
    },
  };

  it("speaks of the alternative that was meant, judging by the type", () => {
    expect(issues(choice, { source: {} })).toEqual(["source.url: is missing"]);
    expect(issues(choice, { source: { url: 1 } })).toEqual(["source.url: must be text, not 1; put it in quotes"]);
    expect(issues(choice, { source: "" })).toEqual(["source: must not be empty"]);
  });

  it("names all alternatives where none was meant", () => {
    expect(issues(choice, { source: 5 })).toEqual(["source: must be a name or an object with url, not 5"]);
  });

  it("says which name of a key is wrong", () => {
    const schema = { type: "object", propertyNames: { type: "string", pattern: "^[a-z]+$", "x-rule": "is no name" } };
    expect(issues(schema, { ok: 1, "1a": 2, "b-": 3 })).toEqual(['["1a"]: is no name', "b-: is no name"]);
  });

  it("stops at a hundred issues and counts the rest", () => {
    const all = issues({ type: "array", items: { type: "number" } }, new Array(150).fill("x"));
    expect(all).toHaveLength(101);
    expect(all.at(-1)).toBe(": and 50 more issues");
  });
});
