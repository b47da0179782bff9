import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { AccessFiles } from "../../src/access/access-files.ts";
import { HostArtifacts } from "../../src/artifact/host-artifacts.ts";
import { Scope } from "../../src/base/scope.ts";
import { connectionOfUrl } from "../../src/queue/postgres/connection.ts";
import { PostgresQueue } from "../../src/queue/postgres/postgres-queue.ts";
import { PostgresServer } from "../postgres-server.ts";
import { type AccessStoreHarness, describeAccessStore } from "./access-store.ts";

let server: PostgresServer;

beforeAll(async () => {
  server = await PostgresServer.start();
});

afterAll(() => server[Symbol.asyncDispose]());

async function files(directory?: string): Promise<AccessStoreHarness> {
  const folder = directory ?? (await mkdtemp("/tmp/bxa-"));
  const store = await AccessFiles.open(join(folder, "access"));
  return {
    ...{ tokens: store.tokens, sessions: store.sessions },
    again: () => files(folder),
    async [Symbol.asyncDispose]() {
      if (directory === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

async function postgres(database?: string): Promise<AccessStoreHarness> {
  await using scope = new Scope();
  const url = database ?? (await server.createDatabase());
  const folder = await mkdtemp("/tmp/bxa-");
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  const artifacts = await HostArtifacts.open(join(folder, "artifacts"));
  const queue = scope.use(await PostgresQueue.open({ connection: connectionOfUrl(url), files: artifacts }));
  const all = scope.move();
  return {
    ...queue.access,
    again: () => postgres(url),
    [Symbol.asyncDispose]: () => all[Symbol.asyncDispose](),
  };
}

describeAccessStore("files", files);
describeAccessStore("postgres", postgres);

it("files of tokens and sessions can be read by nobody else", async () => {
  const folder = await mkdtemp("/tmp/bxa-");
  await using scope = new Scope();
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  const { tokens, sessions } = await AccessFiles.open(join(folder, "access"));
  const created = new Date();
  const common = { name: "x", role: "viewer", hash: "ab".repeat(32), created } as const;
  await tokens.add({ ...common, id: "0123456789", expires: undefined, lastUsed: undefined });
  await sessions.add({ ...common, tokenId: undefined, expires: created });
  const found = await readdir(join(folder, "access"), { recursive: true });
  const modes = await Promise.all(found.map(async (name) => (await stat(join(folder, "access", name))).mode & 0o077));
  expect(found).toHaveLength(4);
  expect(modes).toEqual([0, 0, 0, 0]);
});
