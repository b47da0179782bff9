import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AuditLog } from "../../../src/access/audit-log.ts";
import { Tokens } from "../../../src/access/tokens.ts";
import { openAccessStore } from "../../../src/cli/access/open-access.ts";
import { resolveConfig } from "../../../src/config/config.ts";

const MAIN = fileURLToPath(new URL("../../../src/main.ts", import.meta.url));

/** Short, since paths of sockets are. */
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp("/tmp/bxt-");
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function start(name: string, more: object = {}) {
  const document = { stateDir: join(folder, name), runDir: join(folder, `${name}r`), ...more };
  const file = join(folder, `${name}.json`);
  await writeFile(file, JSON.stringify(document));
  const surroundings = { env: {}, uid: 0, home: "/root", host: { memoryMiB: 4_096, cpus: 2 } };
  const config = resolveConfig(document, surroundings);
  return {
    config,
    boxcar: (...args: string[]) => execa(process.execPath, [MAIN, "--config", file, ...args], { reject: false }),
  };
}

const taskcluster = {
  queue: {
    driver: "taskcluster",
    name: "a/b",
    taskcluster: { rootUrl: "https://tc.example.com", credentials: { clientId: "x", accessToken: "y" } },
  },
  access: { enabled: true },
};

describe.each([
  ["in the queue's database", "e", {}],
  ["in files, without a database", "f", taskcluster],
])("boxcar token, %s", (_where, name, more) => {
  it("makes a token that is good, lists it without the token itself, and revokes it", async () => {
    const { config, boxcar } = await start(name, more);
    const made = await boxcar("token", "create", "--name", "ci", "--role", "submitter", "--expires", "90 days");
    expect(made.stderr).toMatch(/^token [0-9a-f]{10} of ci, submitter; it expires at 20.* UTC; it is not shown again/);
    expect(made.stderr.includes("access.enabled is false")).toBe(name === "e");
    expect(made.stdout).toMatch(/^bxc_[0-9a-f]{10}_[\w-]{43}$/);
    const other = JSON.parse((await boxcar("token", "create", "--name", "ann", "--role", "admin", "--json")).stdout);
    expect(other).toMatchObject({ name: "ann", role: "admin", token: expect.stringMatching(/^bxc_/) });

    await using store = await openAccessStore(config);
    const tokens = new Tokens(store.tokens);
    expect((await tokens.ownerOf(made.stdout))?.principal).toEqual({ name: "ci", role: "submitter", via: "token" });

    const { stdout: list } = await boxcar("token", "list");
    expect(list).toMatch(/^ID +NAME +ROLE +CREATED +EXPIRES +LAST USED\n[0-9a-f]{10} +ci +submitter /);
    const { stdout: json } = await boxcar("token", "ls", "--json");
    expect(JSON.parse(json)).toMatchObject([{ name: "ci" }, { name: "ann" }]);
    for (const shown of [list, json]) expect(shown).not.toMatch(/bxc_|hash|[\w-]{43}/);

    const [ci] = JSON.parse(json) as { id: string }[];
    expect(await boxcar("token", "revoke", ci?.id ?? "")).toMatchObject({ exitCode: 0, stdout: `revoked ${ci?.id}` });
    expect(await tokens.ownerOf(made.stdout)).toBeUndefined();
    expect(await boxcar("token", "revoke", ci?.id ?? "")).toMatchObject({
      exitCode: 2,
      stderr: `boxcar: there is no token "${ci?.id}"; "boxcar token list" shows those there are`,
    });

    const { stdout: audit } = await boxcar("audit", "--json");
    expect(JSON.parse(audit)).toMatchObject([
      { action: "token.revoke", target: ci?.id, principal: "local" },
      { action: "token.create", target: other.id },
      { action: "token.create", target: ci?.id, details: { name: "ci", role: "submitter" } },
    ]);
    expect(audit).not.toContain("bxc_");
  });
});

it("says what is wrong with a token that is asked for", async () => {
  const { boxcar } = await start("f", taskcluster);
  const create = (...args: string[]) => boxcar("token", "create", ...args);
  expect(await create("--name", "ci")).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("--role") });
  expect(await create("--name", "ci", "--role", "root")).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("viewer, submitter, operator, admin"),
  });
  expect(await create("--name", "a@b", "--role", "viewer")).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("name: must be 1 to 64 letters"),
  });
  expect(await create("--name", "ci", "--role", "viewer", "--expires", "soon")).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('such as "90 days"'),
  });
});

it("shows the audit log as a table that does nothing to a terminal", async () => {
  const { config, boxcar } = await start("g", taskcluster);
  expect((await boxcar("audit")).stdout).toMatch(/^TIME +WHO +VIA/);
  await using log = await AuditLog.open({ directory: join(config.stateDir, "audit") });
  for (const target of ["one", "two\u001b[31m", "three"]) {
    log.record({ principal: undefined, action: "login", target, outcome: "refused", details: { method: "token" } });
  }
  const [last] = await log.read({ limit: 1 });
  const { stdout } = await boxcar("audit", "-n", "2");
  expect(stdout).toMatch(/login +three +refused +method=token\n.* login +two\?\[31m +refused +method=token$/);
  expect((await boxcar("audit", "-n", "1", "--before", last?.id ?? "")).stdout).toContain("two?");
  expect(await boxcar("audit", "-n", "0")).toMatchObject({ exitCode: 2 });
});

it("completes what may be said", async () => {
  const { boxcar } = await start("f", taskcluster);
  expect((await boxcar("complete", "--", "token", "")).stdout).toMatch(/^create\t.*\nlist\t.*\nrevoke\t/);
  expect((await boxcar("complete", "--", "token", "create", "--role", "")).stdout).toMatch(
    /^viewer\t\nsubmitter\t\noperator\t\nadmin\t$/,
  );
});
