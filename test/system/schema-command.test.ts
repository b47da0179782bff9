import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Boxcar } from "./boxcar.ts";

let boxcar: Boxcar;

beforeAll(async () => {
  boxcar = await Boxcar.open({ ownImages: true });
});

afterAll(() => boxcar[Symbol.asyncDispose]());

/** As somebody else's validator would: strict, with the meta-schema, knowing of our annotations only their names. */
async function compile(name: string) {
  const { exitCode, stdout, stderr } = await boxcar.run(["schema", name]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  const ajv = new Ajv2020({ allowUnionTypes: true, keywords: ["x-secret", "x-rule"] });
  addFormats.default(ajv);
  return ajv.compile(JSON.parse(stdout));
}

it.each([
  ["task", { payload: { command: ["true"] }, priority: "high" }, { payload: "true" }],
  ["payload", { command: ["true"], machine: { memory: 256 } }, { command: ["true"], machine: { memory: "lots" } }],
  ["machine", { version: 2, memory: 256 }, { version: 2, memory: "lots" }],
  ["machine-options", { maxMemory: 512 }, { maxMemory: "lots" }],
  ["config", { accelerator: "tcg", machine: { memory: 256 } }, { accelerator: "warp" }],
  ["image", { name: "mine", packages: [] }, "mine"],
])("prints the schema %s, which needs no other document and tells good from bad", async (name, good, bad) => {
  const validate = await compile(name);
  expect(validate(good), JSON.stringify(validate.errors)).toBe(true);
  expect(validate(bad)).toBe(false);
});

it("prints what the HTTP API is, as OpenAPI has it", async () => {
  const { exitCode, stdout, stderr } = await boxcar.run(["schema", "api"]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  const document = JSON.parse(stdout) as Record<string, unknown>;
  expect(document).toMatchObject({ openapi: "3.1.1", paths: { "/api/v1/tasks": { post: {} } } });
  expect(await new Validator().validate(document)).toMatchObject({ valid: true });
});

it.each([[["schema", "nope"]], [["schema"]], [["schema", "payload", "machine"]], [["schema", "--nope"]]])(
  "takes boxcar %j for a mistake",
  async (args) => {
    const { exitCode, stdout, stderr } = await boxcar.run(args);
    expect(exitCode).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain("boxcar schema --help");
  },
);

it("lists the names there are when it is asked for another", async () => {
  const { stderr } = await boxcar.run(["schema", "nope"]);
  for (const name of ["nope", "task", "payload", "machine", "machine-options", "config", "image", "api"]) {
    expect(stderr).toContain(name);
  }
});

it("ends quietly when its reader has seen enough", async () => {
  const child = boxcar.start(["schema", "payload"]);
  child.stdout.destroy();
  const { exitCode, stderr } = await child;
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
});
