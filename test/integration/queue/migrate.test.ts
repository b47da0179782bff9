/** Several processes that open an empty queue at once. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectionOfUrl } from "../../../src/queue/postgres/connection.ts";
import { Database } from "../../../src/queue/postgres/database.ts";
import { Jobs } from "../../../src/queue/postgres/jobs.ts";
import { migrate } from "../../../src/queue/postgres/migrate.ts";
import { PostgresServer } from "../../postgres-server.ts";

let server: PostgresServer;

beforeAll(async () => {
  server = await PostgresServer.start();
});

afterAll(() => server[Symbol.asyncDispose]());

describe("an empty database that is opened twice at once", () => {
  it("gets the tables of jobs from one, while the other waits", async () => {
    const url = await server.createDatabase();
    await using first = new Database(connectionOfUrl(url));
    await using second = new Database(connectionOfUrl(url));
    const begun = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const order: string[] = [];
    const opening = migrate(first, {
      installed: async () => false,
      install: async () => {
        begun.resolve();
        await gate.promise;
        order.push("first");
      },
    });
    await begun.promise;
    const late = migrate(second, { installed: async () => false, install: async () => void order.push("second") });
    await Promise.race([late, waitsForLock(second)]);
    gate.resolve();
    await Promise.all([opening, late]);
    expect(order).toEqual(["first", "second"]);
  });

  it("can be opened by many", async () => {
    const url = await server.createDatabase();
    const databases = Array.from({ length: 8 }, () => new Database(connectionOfUrl(url)));
    const opened = await Promise.allSettled(databases.map((database) => Jobs.open(database)));
    expect(opened.map(({ status }) => status)).toEqual(Array(8).fill("fulfilled"));
    for (const result of opened) if (result.status === "fulfilled") await result.value[Symbol.asyncDispose]();
    for (const database of databases) await database[Symbol.asyncDispose]();
  });
});

async function waitsForLock(database: Database): Promise<void> {
  for (;;) {
    const [row] = await database.run<{ waiting: boolean }>({
      text: "SELECT count(*) > 0 AS waiting FROM pg_locks WHERE locktype = 'advisory' AND NOT granted",
    });
    if (row?.waiting === true) return;
  }
}
