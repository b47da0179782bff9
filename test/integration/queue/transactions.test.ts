import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { QueueError } from "../../../src/queue/errors.ts";
import { connectionOfUrl } from "../../../src/queue/postgres/connection.ts";
import { Database, type Statement } from "../../../src/queue/postgres/database.ts";
import { PostgresServer } from "../../postgres-server.ts";

let server: PostgresServer;
let database: Database;
let url: string;

beforeAll(async () => {
  server = await PostgresServer.start();
  // One connection: what one transaction leaves on it the next one finds.
  url = await server.createDatabase();
  database = new Database({ ...connectionOfUrl(url), maxConnections: 1 });
});

beforeEach(async () => {
  await database.run({ text: "DROP TABLE IF EXISTS one" });
  await database.run({ text: "CREATE TABLE one (id integer PRIMARY KEY, n integer NOT NULL DEFAULT 0)" });
});

afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const insert = (id: number): Statement => ({ name: "insert", text: "INSERT INTO one VALUES ($1)", values: [id] });
const ids = async () =>
  (await database.run<{ id: number }>({ text: "SELECT id FROM one ORDER BY id" })).map((r) => r.id);

const UNIQUE_VIOLATION = { code: "queue-refused", cause: expect.objectContaining({ code: "23505" }) };

describe("a transaction", () => {
  it("ends when all that was sent has been done", async () => {
    const count = await database.transaction(async ({ run, send }) => {
      for (const id of [1, 2]) send(insert(id));
      const [row] = await run<{ count: number }>({ text: "SELECT count(*)::int AS count FROM one" });
      send(insert(3));
      return row?.count;
    });
    expect(count).toBe(2);
    expect(await ids()).toEqual([1, 2, 3]);
  });

  it("fails with a statement that was sent last, and leaves nothing", async () => {
    const failed = database.transaction(async ({ send }) => {
      for (const id of [1, 2, 2, 3]) send(insert(id));
    });
    await expect(failed).rejects.toMatchObject(UNIQUE_VIOLATION);
    expect(await ids()).toEqual([]);
  });

  it("fails, and nothing else does, where its connection breaks between two statements", async () => {
    await using other = new Database(connectionOfUrl(url));
    const failed = database.transaction(async ({ run }) => {
      const [row] = await run<{ pid: number }>({ text: "SELECT pg_backend_pid() AS pid" });
      await other.run({ text: "SELECT pg_terminate_backend($1, 10000)", values: [row?.pid] });
      await run({ text: "SELECT 1" });
    });
    await expect(failed).rejects.toBeInstanceOf(QueueError);
    expect(await ids()).toEqual([]);
  });

  it("tells the reason of a failure, not what follows from it", async () => {
    const failed = database.transaction(async ({ run, send }) => {
      for (const id of [1, 1]) send(insert(id));
      await run({ text: "SELECT 1" });
    });
    await expect(failed).rejects.toMatchObject(UNIQUE_VIOLATION);
    expect(await ids()).toEqual([]);
  });

  it("is rolled back with all that is on its way when its work fails", async () => {
    const reason = new QueueError("enough", "enough", { blame: "task" });
    const failed = database.transaction(async ({ send }) => {
      send(insert(1));
      throw reason;
    });
    await expect(failed).rejects.toBe(reason);
    expect(await ids()).toEqual([]);
  });

  it("begins anew when a statement that was sent was in the way of others", async () => {
    let attempts = 0;
    await database.transaction(async ({ send }) => {
      attempts++;
      send(insert(attempts));
      if (attempts < 3) send({ text: "DO $$ BEGIN RAISE SQLSTATE '40001'; END $$" });
    });
    expect(attempts).toBe(3);
    expect(await ids()).toEqual([3]);
  });
});
