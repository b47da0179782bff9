/** Workers of a queue, as time goes by: rows are made older than they are, since a test cannot wait as long. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { connectionOfUrl } from "../../../src/queue/postgres/connection.ts";
import { Database } from "../../../src/queue/postgres/database.ts";
import { PostgresDirectory } from "../../../src/queue/postgres/directory.ts";
import { Jobs } from "../../../src/queue/postgres/jobs.ts";
import type { Announced, WorkerAnnouncement } from "../../../src/queue/worker-directory.ts";
import { until } from "../../contract/queue.ts";
import { PostgresServer } from "../../postgres-server.ts";

let server: PostgresServer;

beforeAll(async () => {
  server = await PostgresServer.start();
});

afterAll(() => server[Symbol.asyncDispose]());

async function open() {
  const connection = connectionOfUrl(await server.createDatabase());
  const database = new Database(connection);
  onTestFinished(() => database[Symbol.asyncDispose]());
  await (await Jobs.open(database))[Symbol.asyncDispose]();
  const directory = new PostgresDirectory(database);
  const troubles: string[] = [];
  const announce = (url: string, everyMs = 600_000): Announced => {
    const options = { everyMs, onTrouble: (message: string) => troubles.push(`${url}: ${message}`) };
    const announced = directory.announce("worker-1", () => workerAt(url), options);
    onTestFinished(() => announced[Symbol.asyncDispose]());
    return announced;
  };
  const passTime = (by: string) =>
    database.run({ text: `UPDATE boxcar.worker SET seen = seen - interval '${by}', started = started` });
  const url = async () => (await directory.find("worker-1"))?.url;
  return { database, directory, troubles, announce, passTime, url };
}

function workerAt(url: string): WorkerAnnouncement {
  return { url, queue: "default", version: "1", startedAt: new Date(), status: { state: "claiming" } };
}

describe("a worker in the directory of its queue", () => {
  it("counts as gone when it was silent for some heartbeats, and as alive when it is heard of again", async () => {
    const { directory, announce, passTime } = await open();
    const announced = announce("http://a");
    await announced.flush();
    const aliveAfter = async (time: string) => {
      await announced.flush();
      await passTime(time);
      return (await directory.find("worker-1"))?.isAlive;
    };
    expect(await aliveAfter("12 seconds")).toBe(true);
    expect(await aliveAfter("17 seconds")).toBe(false);
    const [entry] = await directory.list();
    expect(entry?.isAlive).toBe(false);
    await announced.flush();
    expect((await directory.find("worker-1"))?.isAlive).toBe(true);
  });

  it("is forgotten when it was silent for an hour", async () => {
    const { database, directory, announce, passTime } = await open();
    await announce("http://a").flush();
    await passTime("59 minutes");
    await directory.forgetSilent();
    expect(await directory.list()).toHaveLength(1);
    await passTime("1 minute");
    expect(await directory.list()).toEqual([]);
    expect(await directory.find("worker-1")).toBeUndefined();
    await directory.forgetSilent();
    expect(await database.run({ text: "SELECT 1 FROM boxcar.worker" })).toEqual([]);
  });

  it("says again and again that it is there", async () => {
    const { directory, announce } = await open();
    await announce("http://a", 20).flush();
    const seen = async () => (await directory.find("worker-1"))?.seenAt.getTime() ?? 0;
    const first = await seen();
    await until(async () => (await seen()) > first);
  });

  it("says soon that it has changed, and much of that once", async () => {
    const { directory } = await open();
    let changes = 0;
    let said = 0;
    const describe = () => {
      said++;
      return { ...workerAt("http://a"), status: { state: String(changes) } };
    };
    await using announced = directory.announce("worker-1", describe, { everyMs: 600_000 });
    await announced.flush();
    const before = said;
    for (changes = 1; changes < 200; changes++) {
      announced.changed();
      await new Promise(setImmediate);
    }
    await until(async () => (await directory.find("worker-1"))?.status.state === "200");
    expect(said - before).toBeLessThan(20);
  });

  it("stays where another has its id, which is told; the other takes its place", async () => {
    const { announce, url, troubles } = await open();
    const first = announce("http://first");
    await first.flush();
    const second = announce("http://second");
    await second.flush();
    // The first might have been killed a moment ago.
    expect(troubles).toEqual([]);
    for (let count = 0; count < 3; count++) for (const each of [first, second]) await each.flush();
    expect(troubles).toEqual([expect.stringMatching(/^http:\/\/second: another worker .* worker-1 .*queue\.workerId/)]);
    expect(await url()).toBe("http://first");
    await first[Symbol.asyncDispose]();
    await second.flush();
    expect(await url()).toBe("http://second");
    const third = announce("http://third");
    for (let count = 0; count < 2; count++) for (const each of [third, second]) await each.flush();
    await third.flush();
    expect(troubles).toHaveLength(2);
    expect(troubles[1]).toMatch(/^http:\/\/third/);
    // What ends has nothing to take away.
    await third[Symbol.asyncDispose]();
    expect(await url()).toBe("http://second");
  });

  it("takes the place of one that was killed", async () => {
    const { announce, url, troubles, passTime } = await open();
    await announce("http://killed").flush();
    const next = announce("http://next");
    await next.flush();
    expect(await url()).toBe("http://killed");
    await passTime("17 seconds");
    await next.flush();
    expect(await url()).toBe("http://next");
    expect(troubles).toEqual([]);
  });

  it("says once that the directory cannot be told, and goes on", async () => {
    const { announce, url, troubles } = await open();
    const announced = announce("http://a");
    await announced.flush();
    await server.stop();
    await announced.flush();
    await announced.flush();
    expect(troubles).toEqual([expect.stringMatching(/other workers do not hear of this one/)]);
    await server.start();
    await announced.flush();
    expect(await url()).toBe("http://a");
    await server.stop();
    await announced.flush();
    expect(troubles).toHaveLength(2);
    await server.start();
  });
});
