import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import type { WebSocket } from "ws";
import { LogFolder, lines, say } from "../log/log-folder.ts";
import { LogService, readSocket } from "./log-service.ts";

const MANY = 200;

/** The status with which a websocket was refused. */
async function refusal(client: WebSocket): Promise<number | undefined> {
  client.on("error", () => {});
  const [, response] = (await once(client, "unexpected-response")) as [unknown, { statusCode?: number }];
  client.terminate();
  return response.statusCode;
}

describe("a log over a websocket", () => {
  it("is followed from an offset across its end", async () => {
    await using folder = await LogFolder.open();
    const log = await folder.createLog();
    say(log, "one\n");
    await log.flush();
    await using service = await LogService.start(log);
    const client = service.connect("?from=-2&follow=1");
    const ended = readSocket(client);
    await once(client, "open");
    for (let i = 0; i < 50; i++) {
      say(log, `${i}\n`);
      await log.flush();
    }
    await log.close();
    const text = `e\n${Array.from({ length: 50 }, (_, i) => `${i}\n`).join("")}`;
    await expect(ended).resolves.toEqual({ offset: 2, text, code: 1_000 });
    await service.released();
  });

  it("ends where the log ends now for who does not follow", async () => {
    await using folder = await LogFolder.open();
    const log = await folder.createLog();
    say(log, "one\n");
    await log.flush();
    await using service = await LogService.start(log);
    await expect(readSocket(service.connect())).resolves.toEqual({ offset: 0, text: "one\n", code: 1_000 });
  });

  it(`has ${MANY} readers`, async () => {
    await using folder = await LogFolder.open();
    const log = await folder.createLog();
    await using service = await LogService.start(log);
    const clients = Array.from({ length: MANY }, () => service.connect("?follow=1"));
    const ends = Promise.all(clients.map(readSocket));
    await Promise.all(clients.map((client) => once(client, "open")));
    for (let i = 0; i < 100; i++) if (!say(log, lines(i * 20, 20))) await log.drained();
    await log.close();
    const whole = lines(0, 2_000);
    expect((await ends).filter(({ text, code }) => text !== whole || code !== 1_000)).toHaveLength(0);
    await service.released();
  });

  it("waits for a reader that is slow, and nobody else does", async () => {
    await using folder = await LogFolder.open();
    const log = await folder.createLog();
    await using service = await LogService.start(log);
    const [slow, fast] = [service.connect("?follow=1"), service.connect("?follow=1")];
    const slowEnd = readSocket(slow);
    const fastEnd = readSocket(fast);
    await Promise.all([once(slow, "open"), once(fast, "open")]);
    slow.pause();
    let whole = "";
    for (let i = 0; i < 400; i++) {
      const block = lines(i * 1_000, 1_000);
      whole += block;
      if (!say(log, block)) await log.drained();
    }
    await log.close();
    expect((await fastEnd).text === whole).toBe(true);
    for (const reader of service.readers) expect(reader.readableLength).toBeLessThanOrEqual(128 * 1_024);
    expect(service.readers.filter((reader) => !reader.destroyed)).toHaveLength(1);
    slow.resume();
    expect((await slowEnd).text === whole).toBe(true);
    await service.released();
  });

  it("is let go of when a client vanishes", async () => {
    await using folder = await LogFolder.open();
    const log = await folder.createLog();
    say(log, lines(0, 400_000));
    await log.flush();
    await using service = await LogService.start(log);
    const clients = ["?follow=1", `?follow=1&from=${log.sizeBytes}`].map((query) => service.connect(query));
    await Promise.all(clients.map((client) => once(client, "message")));
    for (const client of clients) client.pause();
    for (const client of clients) client.terminate();
    await service.released();
    expect(log.waiting.size).toBe(0);
  });

  it("is let go of when a client does not answer any more", async () => {
    await using folder = await LogFolder.open();
    const log = await folder.createLog();
    await using service = await LogService.start(log, { pingMs: 20 });
    const [dead, alive] = [service.connect("?follow=1"), service.connect("?follow=1")];
    const aliveEnd = readSocket(alive);
    await Promise.all([once(dead, "message"), once(alive, "message")]);
    dead.on("error", () => {});
    dead.pause();
    await Promise.race(service.readers.map((reader) => once(reader, "close")));
    say(log, "still here\n");
    await log.close();
    await expect(aliveEnd).resolves.toMatchObject({ text: "still here\n", code: 1_000 });
    dead.terminate();
  });

  it("says goodbye to a client that talks", async () => {
    await using folder = await LogFolder.open();
    const log = await folder.createLog();
    await using service = await LogService.start(log);
    for (const [message, code] of [
      ["hello", 1_008],
      ["x".repeat(2_000), 1_009],
    ] as const) {
      const client = service.connect("?follow=1");
      const ended = readSocket(client);
      await once(client, "open");
      client.send(message);
      await expect(ended).resolves.toMatchObject({ code });
    }
    await service.released();
  });

  it.each([
    ["a log that is not there", "", { path: "/api/v1/tasks/another/runs/0/logs/task.log" }, 404],
    ["an offset that is not there", "?from=11", {}, 416],
    ["a page of another host", "", { origin: "http://elsewhere.example" }, 403],
  ])("is refused for %s", async (_what, query, options, status) => {
    await using folder = await LogFolder.open();
    await using service = await LogService.start(await folder.createLog());
    await expect(refusal(service.connect(query, options))).resolves.toBe(status);
  });

  it("is no reason for the service not to end, whatever the client does", async () => {
    await using folder = await LogFolder.open();
    const log = await folder.createLog();
    await using service = await LogService.start(log);
    const client = service.connect("?follow=1");
    await once(client, "message");
    client.pause();
    await service[Symbol.asyncDispose]();
    client.terminate();
  });

  it("is refused for good: the connection ends, also where the client keeps it", async () => {
    await using folder = await LogFolder.open();
    await using service = await LogService.start(await folder.createLog());
    const client = connect({ port: service.port, host: "127.0.0.1", allowHalfOpen: true });
    client.write(
      "GET /api/v1/tasks/another/runs/0/logs/task.log HTTP/1.1\r\nHost: localhost\r\n" +
        "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    );
    client.resume();
    await once(client, "end");
    const refused = once(client, "error");
    const timer = setInterval(() => client.write("still here"), 1);
    await refused;
    clearInterval(timer);
  });

  it("is not for other addresses", async () => {
    await using folder = await LogFolder.open();
    await using service = await LogService.start(await folder.createLog());
    const client = service.connect("", { path: "//" });
    await expect(once(client, "open")).rejects.toThrow();
  });
});
