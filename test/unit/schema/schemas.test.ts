import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { describe, expect, it } from "vitest";
import { MACHINE_DEFAULTS } from "../../../src/generated/machine-defaults.ts";
import { bundleSchema, isSchemaName, SCHEMA_NAMES, type SchemaName } from "../../../src/schema/catalog.ts";
import { type JsonSchema, readSchema, type SchemaId } from "../../../src/schema/schema-files.ts";

const root = new URL("../../../", import.meta.url);
const ids = readdirSync(new URL("schemas/", root)).map((file) => file.replace(".schema.json", "") as SchemaId);
const names = Object.keys(SCHEMA_NAMES) as SchemaName[];

function freshAjv(): Ajv2020 {
  const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true });
  ajv.addVocabulary(["x-secret", "x-rule"]);
  addFormats.default(ajv);
  return ajv;
}

function ajvWithAll(): Ajv2020 {
  return ids.reduce((ajv, id) => ajv.addSchema(readSchema(id)), freshAjv());
}

/** Every subschema with the place it stands at. */
function* subschemas(node: unknown, place: string): Generator<{ place: string; schema: JsonSchema }> {
  if (Array.isArray(node)) {
    for (const [index, item] of node.entries()) yield* subschemas(item, `${place}/${index}`);
    return;
  }
  if (typeof node !== "object" || node === null) return;
  yield { place, schema: node as JsonSchema };
  for (const [key, value] of Object.entries(node)) {
    if (key !== "examples" && key !== "default") yield* subschemas(value, `${place}/${key}`);
  }
}

/** The description of a property, its own or that of what it refers to. */
function descriptionOf(property: JsonSchema, document: JsonSchema): unknown {
  if (property["description"] !== undefined || property.$ref === undefined) return property["description"];
  const [urn = "", pointer = ""] = property.$ref.split("#");
  const target = urn === "" ? document : readSchema(urn.replace("urn:boxcar:schema:", "") as SchemaId);
  return (pointer === "" ? target : target.$defs?.[pointer.replace("/$defs/", "")])?.["description"];
}

describe.each(ids)("the schema %s", (id) => {
  const schema = readSchema(id);

  it("is a strict JSON Schema named after its file", () => {
    expect(schema.$id).toBe(`urn:boxcar:schema:${id}`);
    const ajv = ajvWithAll();
    expect(ajv.validateSchema(schema)).toBe(true);
    expect(ajv.getSchema(`urn:boxcar:schema:${id}`)).toBeTypeOf("function");
  });

  it("describes every property and refuses unknown keys", () => {
    const undescribed: string[] = [];
    for (const { place, schema: part } of subschemas(schema, "")) {
      if (place.endsWith("/properties") || part["type"] !== "object") continue;
      if (part["additionalProperties"] === undefined) undescribed.push(`${place}: open to unknown keys`);
      for (const [key, property] of Object.entries(part.properties ?? {})) {
        const description = descriptionOf(property, schema);
        if (typeof description !== "string" || description === "") undescribed.push(`${place}/${key}`);
      }
    }
    expect(undescribed).toEqual([]);
  });

  it("gives defaults and examples that are valid", () => {
    const invalid: string[] = [];
    const ajv = ajvWithAll();
    for (const { place, schema: part } of subschemas(schema, "")) {
      if (/\/(properties|\$defs)$/.test(place)) continue;
      const examples = (part["examples"] as unknown[] | undefined) ?? [];
      const samples = part["default"] === undefined ? examples : [part["default"], ...examples];
      for (const sample of samples) {
        const pointer = place.split("/").map(encodeURIComponent).join("/");
        const valid = ajv.validate({ $ref: `urn:boxcar:schema:${id}#${pointer}` }, sample);
        if (!valid) invalid.push(`${place}: ${JSON.stringify(sample)}: ${ajv.errorsText()}`);
      }
    }
    expect(invalid).toEqual([]);
  });

  it("keeps secrets where redaction looks for them", () => {
    const hidden = [...subschemas(schema, "")].filter(
      ({ place, schema: part }) => part["x-secret"] === true && /\/(oneOf|anyOf|allOf)\//.test(place),
    );
    expect(hidden).toEqual([]);
  });
});

describe.each(names)("the printed schema %s", (name) => {
  it("needs no other document and accepts what the original accepts", () => {
    const bundled = bundleSchema(name);
    expect(JSON.stringify(bundled).replace(`"$id":"${bundled.$id}"`, "")).not.toContain("urn:boxcar");
    const validate = freshAjv().compile(bundled);
    for (const example of bundled["examples"] as unknown[]) expect(validate(example)).toBe(true);
    expect(validate({ surprise: 1 })).toBe(false);
  });
});

it("applies the machine's rules to the overrides in the printed schema of a payload", () => {
  const validate = freshAjv().compile(bundleSchema("payload"));
  expect(validate({ command: ["true"], machine: { memory: 512 } })).toBe(true);
  expect(validate({ command: ["true"], machine: { memory: 0 } })).toBe(false);
  expect(validate({ command: ["true"], machine: { uuid: MACHINE_DEFAULTS.uuid } })).toBe(false);
});

it("knows the names it can print", () => {
  expect(names.every(isSchemaName)).toBe(true);
  expect(isSchemaName("toString")).toBe(false);
});

it("has types in src/generated that are what the schemas say", () => {
  const script = new URL("scripts/generate-types.ts", root).pathname;
  expect(execFileSync(process.execPath, [script, "--check"], { encoding: "utf8" })).toBe("");
}, 60_000);

it("offers the same hardware to payloads, configuration and images", () => {
  const machine = readSchema("machine");
  const fields = Object.keys(machine.properties ?? {}).filter((key) => !["version", "uuid", "boot"].includes(key));
  expect(Object.keys(machine.$defs?.["overrides"]?.properties ?? {})).toEqual(fields);
});
