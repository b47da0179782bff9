import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { resolveConfig } from "../../../src/config/config.ts";
import { parseDocument } from "../../../src/schema/document.ts";
import { parseMachine } from "../../../src/schema/machine.ts";
import { readSchema } from "../../../src/schema/schema-files.ts";

const config = new URL("../../../config/", import.meta.url);
const surroundings = { env: {}, uid: 0, home: "/root", host: { memoryMiB: 16_384, cpus: 4 } };
const example = readFileSync(new URL("worker.example.yml", config), "utf8");

/** The example with its settings that are commented out ("#key: value") put in force. */
const uncommented = example.replace(/^( *)#((?: {2})*\w+:)/gm, "$1$2");

describe("config/worker.example.yml", () => {
  it("says what the defaults are", () => {
    const document = parseDocument(example, "worker.example.yml", "host");
    expect(resolveConfig(document, surroundings)).toEqual(resolveConfig(undefined, surroundings));
  });

  it("is valid with all its settings in force", () => {
    const document = parseDocument(uncommented, "worker.example.yml", "host");
    expect(resolveConfig(document, surroundings)).toEqual(resolveConfig(undefined, surroundings));
  });

  it("shows every setting there is", () => {
    const document = parseDocument(uncommented, "worker.example.yml", "host") as Record<string, object>;
    const schema = readSchema("worker-config");
    expect(Object.keys(document)).toEqual(Object.keys(schema.properties ?? {}));
    for (const section of ["images", "qemu", "limits"]) {
      expect(Object.keys(document[section] ?? {})).toEqual(Object.keys(schema.properties?.[section]?.properties ?? {}));
    }
    expect(Object.keys(document["machineOptions"] ?? {})).toEqual(
      Object.keys(readSchema("machine-options").properties ?? {}),
    );
  });
});

const presets = readdirSync(new URL("machines/", config)).filter((file) => file.endsWith(".json"));

it.each(presets)("the machine preset %s is a machine of the newest version, described in the README", (file) => {
  const text = readFileSync(new URL(`machines/${file}`, config), "utf8");
  const data = parseDocument(text, file, "worker");
  expect(parseMachine(data, { subject: file, blame: "worker" })).toEqual(data);
  expect(readFileSync(new URL("machines/README.md", config), "utf8")).toContain(`\`${file}\``);
});
