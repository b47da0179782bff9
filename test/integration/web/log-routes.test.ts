import { once } from "node:events";
import { rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { compressLog } from "../../../src/log/compress-log.ts";
import { StoredLog } from "../../../src/log/stored-log.ts";
import { LogFolder, lines, say, textOf, untilRead } from "../log/log-folder.ts";
import { LogService } from "./log-service.ts";

const MANY = 200;

describe("a log over HTTP", () => {
  it("is plain text, from where it is asked for", async () => {
    await using folder = await LogFolder.open();
    const log = await folder.createLog();
    say(log, "<script>ä");
    await log.flush();
    await using service = await LogService.start(log);
    const whole = await service.get();
    expect(whole).toMatchObject({
      statusCode: 200,
      headers: {
        "content-type": "text/plain; charset=utf-8",
        "x-content-type-options": "nosniff",
        "x-boxcar-log-offset": "0",
        "content-length": "10",
      },
    });
    await expect(textOf(whole)).resolves.toBe("<script>ä");
    const end = await service.get("?from=-2");
    expect(end.headers["x-boxcar-log-offset"]).toBe("8");
    await expect(textOf(end)).resolves.toBe("ä");
    await expect(service.get("?from=10").then(textOf)).resolves.toBe("");
    const head = await service.get("?from=1", { method: "HEAD" });
    expect(head.headers["content-length"]).toBe("9");
    await expect(textOf(head)).resolves.toBe("");
  });

  it.each([
    ["?from=11", 416, "log-position-unknown"],
    ["?from=x", 400, "bad-request"],
    ["?from=", 400, "bad-request"],
    ["?follow=yes", 400, "bad-request"],
  ])("is refused for %s, which means nothing", async (query, status, code) => {
    await using folder = await LogFolder.open();
    const log = await folder.createLog();
    say(log, "0123456789");
    await log.flush();
    await using service = await LogService.start(log);
    const response = await service.get(query);
    expect(response.statusCode).toBe(status);
    expect(JSON.parse(await textOf(response))).toMatchObject({ code });
  });

  it.each([
    ["/api/v1/tasks/another/runs/0/logs/task.log", 404],
    ["/api/v1/tasks/a-task/runs/1/logs/task.log", 404],
    ["/api/v1/tasks/a-task/runs/0/logs/..%2ftask.log", 404],
    ["/api/v1/tasks/a-task/runs/x/logs/task.log", 400],
    ["//", 404],
  ])("is not at %s", async (path, status) => {
    await using folder = await LogFolder.open();
    await using service = await LogService.start(await folder.createLog());
    expect((await service.get("", { path })).statusCode).toBe(status);
  });

  it("is followed from an offset across its end", async () => {
    await using folder = await LogFolder.open();
    const log = await folder.createLog();
    say(log, "one\n");
    await log.flush();
    await using service = await LogService.start(log);
    const response = await service.get("?from=2&follow=1");
    const text = textOf(response);
    for (let i = 0; i < 50; i++) {
      say(log, `${i}\n`);
      await log.flush();
    }
    await log.close();
    await expect(text).resolves.toBe(`e\n${Array.from({ length: 50 }, (_, i) => `${i}\n`).join("")}`);
    await service.released();
  });

  it("tells who follows a log that says nothing yet that he does", async () => {
    await using folder = await LogFolder.open();
    const log = await folder.createLog();
    await using service = await LogService.start(log);
    const response = await service.get("?follow=1");
    expect(response.statusCode).toBe(200);
    say(log, "the first line\n");
    await untilRead(response, "the first line\n");
    response.destroy();
    await service.released();
    expect(log.waiting.size).toBe(0);
  });

  it(`has ${MANY} readers who follow`, async () => {
    await using folder = await LogFolder.open();
    const log = await folder.createLog();
    await using service = await LogService.start(log);
    const responses = await Promise.all(Array.from({ length: MANY }, () => service.get("?follow=1")));
    const texts = Promise.all(responses.map(textOf));
    for (let i = 0; i < 100; i++) if (!say(log, lines(i * 20, 20))) await log.drained();
    await log.close();
    const whole = lines(0, 2_000);
    expect((await texts).filter((text) => text !== whole)).toHaveLength(0);
    await service.released();
  });

  it("waits for a reader that is slow, and nobody else does", async () => {
    await using folder = await LogFolder.open();
    const log = await folder.createLog();
    await using service = await LogService.start(log);
    const slow = await service.get("?follow=1");
    slow.pause();
    const fast = service.get("?follow=1").then(textOf);
    let whole = "";
    for (let i = 0; i < 400; i++) {
      const block = lines(i * 1_000, 1_000);
      whole += block;
      if (!say(log, block)) await log.drained();
    }
    await log.close();
    expect((await fast) === whole).toBe(true);
    expect(service.readers[0]?.readableLength).toBeLessThanOrEqual(128 * 1_024);
    expect(service.readers[0]?.destroyed).toBe(false);
    expect((await textOf(slow)) === whole).toBe(true);
    await service.released();
  });

  it("is let go of when a client vanishes, whether it read or not", async () => {
    await using folder = await LogFolder.open();
    const log = await folder.createLog();
    say(log, lines(0, 400_000));
    await log.flush();
    await using service = await LogService.start(log);
    const sockets = await Promise.all(
      ["?follow=1", `?follow=1&from=${log.sizeBytes}`, ""].map(async (query) => {
        const socket = connect(service.port, "127.0.0.1");
        socket.write(`GET /api/v1/tasks/a-task/runs/0/logs/task.log${query} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
        await once(socket, "readable");
        return socket;
      }),
    );
    expect(service.readers).toHaveLength(3);
    for (const socket of sockets) socket.resetAndDestroy();
    await service.released();
    expect(log.waiting.size).toBe(0);
  });

  it.each([
    ["zstd", zstdDecompressSync],
    ["gzip", gunzipSync],
  ] as const)(
    "that is stored with %s is sent as it is to who takes that, and unpacked to others",
    async (encoding, unpack) => {
      await using folder = await LogFolder.open();
      const file = join(folder.path, "packed");
      const text = lines(0, 5_000);
      await writeFile(join(folder.path, "plain"), text);
      const packed = await compressLog(join(folder.path, "plain"), file, encoding);
      const log = new StoredLog({ file, contentEncoding: encoding, sizeBytes: text.length });
      await using service = await LogService.start(log);
      const taken = await service.get("?follow=1", { headers: { "accept-encoding": `br, ${encoding}` } });
      expect(taken.headers["content-encoding"]).toBe(encoding);
      const bytes = Buffer.concat(await taken.toArray());
      expect(bytes).toHaveLength(packed.sizeBytes);
      expect(unpack(bytes).toString() === text).toBe(true);
      for (const from of [0, 1_000]) {
        const plain = await service.get(`?from=${from}`, {
          headers: from === 0 ? {} : { "accept-encoding": encoding },
        });
        expect(plain.headers["content-encoding"]).toBeUndefined();
        expect((await textOf(plain)) === text.slice(from)).toBe(true);
      }
      const refused = await service.get("", { headers: { "accept-encoding": `${encoding};q=0` } });
      expect(refused.headers["content-encoding"]).toBeUndefined();
      refused.destroy();
    },
  );

  it("is a failure, not an empty log, when its file is gone", async () => {
    await using folder = await LogFolder.open();
    const log = await folder.createLog();
    say(log, "lost\n");
    await log.close();
    await rm(log.path);
    await using service = await LogService.start(log);
    expect((await service.get()).statusCode).toBe(500);
  });
});
