import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readSecrets } from "../../../src/config/read-secrets.ts";
import { Secret, type SecretReference, secretAt } from "../../../src/config/secret.ts";
import { findSecretReferences } from "../../../src/config/secret-references.ts";
import { issuesFrom } from "../../../src/schema/issues.ts";
import { redact } from "../../../src/schema/redact.ts";
import { readSchema } from "../../../src/schema/schema-files.ts";

const $ref = "urn:boxcar:schema:config-values#/$defs/secret";
const schema = {
  properties: {
    queue: { properties: { url: { $ref }, tokens: { items: { $ref } }, name: { type: "string" } } },
    named: { additionalProperties: { $ref } },
  },
};

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "boxcar-secret-"));
});

afterAll(() => rm(directory, { recursive: true }));

async function file(name: string, content: string, mode = 0o600): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, content);
  await chmod(path, mode);
  return path;
}

async function read(reference: SecretReference, env: Record<string, string> = {}): Promise<Secret> {
  const secrets = await readSecrets([{ path: "queue.url", reference }], env, "worker.yml");
  return secrets.get("queue.url") as Secret;
}

describe("a secret that is somewhere else", () => {
  it("is found wherever the schema has one", () => {
    const queue = { url: { file: "/a" }, tokens: ["plain", { env: "B" }], name: { file: "no" } };
    const document = { queue, named: { "a key": { credential: "c" } } };
    expect(findSecretReferences(document, schema)).toEqual([
      { path: "queue.url", reference: { file: "/a" } },
      { path: "queue.tokens[1]", reference: { env: "B" } },
      { path: 'named["a key"]', reference: { credential: "c" } },
    ]);
  });

  it("is read from a file, a variable or a credential, without the line end", async () => {
    const path = await file("one", "hunter2\n");
    expect((await read({ file: path })).reveal()).toBe("hunter2");
    expect((await read({ env: "TOKEN" }, { TOKEN: "hunter3" })).reveal()).toBe("hunter3");
    // systemd's own folder keeps it from others.
    await file("token", "two\nlines\r\n", 0o644);
    expect((await read({ credential: "token" }, { CREDENTIALS_DIRECTORY: directory })).reveal()).toBe("two\nlines");
  });

  it("may be read by the group, but a file that everybody can open is refused, with what to type", async () => {
    expect((await read({ file: await file("group", "x", 0o640) })).reveal()).toBe("x");
    for (const mode of [0o604, 0o602, 0o666]) {
      const path = await file("open", "x", mode);
      const secret = await read({ file: path });
      expect(() => secret.reveal()).toThrow(`queue.url.file: ${path} is open to every user of the host`);
      expect(() => secret.reveal()).toThrow(`chmod o-rwx ${path}`);
    }
  });

  it("fails only who needs it, and says where the configuration names it", async () => {
    const missing = await read({ file: join(directory, "none") });
    expect(missing.trouble).toMatchObject({ code: "invalid-input", blame: "host" });
    expect(() => missing.reveal()).toThrow(/worker\.yml has 1 issue:\n {2}queue\.url\.file: there is no file .*none/);
    const unset = await read({ env: "TOKEN" });
    expect(() => unset.reveal()).toThrow("queue.url.env: the environment variable TOKEN is not set");
    const outside = await read({ credential: "token" });
    expect(() => outside.reveal()).toThrow("queue.url.credential: is for a service of systemd");
    const empty = await read({ file: await file("empty", "\n") });
    expect(() => empty.reveal()).toThrow("queue.url.file: holds nothing");
    const large = await read({ file: await file("large", "x".repeat(70_000)) });
    expect(() => large.reveal()).toThrow("larger than 65536 bytes");
  });
});

describe("Secret", () => {
  it("is shown by no print, dump or JSON", () => {
    const secret = Secret.of("hunter2");
    const shown = [String(secret), `${secret}`, JSON.stringify({ secret }), inspect({ secret }, { showHidden: true })];
    for (const text of shown) expect(text).toContain("[secret]");
    expect(shown.join()).not.toContain("hunter2");
    expect(secret.reveal()).toBe("hunter2");
  });

  it("is the text in the configuration, or what was read of it", () => {
    const secrets = new Map([["a", Secret.of("read")]]);
    expect(secretAt("a", "here", secrets).reveal()).toBe("here");
    expect(secretAt("a", { file: "/x" }, secrets).reveal()).toBe("read");
    expect(() => secretAt("b", { file: "/x" }, secrets).reveal()).toThrow(
      "b: is somewhere else, and has not been read",
    );
  });
});

describe("the schema of a secret", () => {
  const ajv = new Ajv2020({ allErrors: true, verbose: true, allowUnionTypes: true });
  ajv.addVocabulary(["x-secret", "x-rule"]);
  const validate = ajv.addSchema(readSchema("config-values")).compile({ $ref });

  it.each(["text", { file: "/a" }, { env: "A" }, { credential: "a.b" }])("accepts %j", (value) => {
    expect(validate(value)).toBe(true);
  });

  it.each(["", 5, {}, { file: "a" }, { file: "/a", env: "A" }, { credential: "../a" }, { fiel: "/a" }])(
    "refuses %j",
    (value) => {
      expect(validate(value)).toBe(false);
    },
  );

  it("does not repeat what it refuses", () => {
    validate(12_345);
    expect(JSON.stringify(issuesFrom(validate.errors ?? []))).not.toContain("12345");
    expect(redact({ queue: { url: "hunter2", tokens: ["a"], name: "n" } }, schema)).toEqual({
      queue: { url: "[secret]", tokens: ["[secret]"], name: "n" },
    });
  });
});
