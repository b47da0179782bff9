import { once } from "node:events";
import { createReadStream } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Boxcar, finish, packDefaultImage, pressCtrlC, untilCreated, untilPrinted } from "./boxcar.ts";

let boxcar: Boxcar;

beforeEach(async () => {
  boxcar = await Boxcar.open();
});

afterEach(() => boxcar[Symbol.asyncDispose]());

const BUSY = ["sh", "-c", "echo up; sleep 60"];

describe("Ctrl-C", () => {
  it.each([
    ["boot", "stderr", "machine: q35", { command: BUSY }],
    ["run", "stdout", "up\n", { command: BUSY }],
  ] as const)("leaves nothing during %s", async (_phase, stream, text, payload) => {
    const { child } = await boxcar.startTask(payload);
    await untilPrinted(child, stream, text);
    child.kill("SIGINT");
    const { exitCode, result } = await finish(child);
    expect(exitCode).toBe(130);
    expect(result).toMatchObject({ state: "exception", reason: "canceled" });
    expect(await boxcar.leftovers()).toEqual([]);
  });

  it("leaves nothing while artifacts are collected, not even half a file", async () => {
    const { child, output } = await boxcar.startTask({
      command: ["sh", "-c", "truncate -s 4G huge"],
      artifacts: [{ name: "huge", path: "huge" }],
    });
    await untilCreated(child, boxcar.directory, /^\d+\/artifacts$/);
    child.kill("SIGINT");
    const { exitCode } = await finish(child);
    expect(exitCode).toBe(130);
    expect(await boxcar.leftovers()).toEqual([]);
    expect(await readdir(join(output, "artifacts"))).toEqual([]);
  });
});

describe("Ctrl-C while an image is brought", () => {
  const UNPACKING = /^images\/staging\/[^/]+\/disk\.img$/;
  let folder: string;
  let archive: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "boxcar-image-"));
    archive = join(folder, "archive.tar.zst");
    await packDefaultImage(archive);
  });

  afterAll(() => rm(folder, { recursive: true }));

  /**
   * Presses Ctrl-C when part of the disk is unpacked, and `ready` is too: nothing may be left then, and the same
   * command must succeed afterwards.
   */
  async function interrupt(image: string, ready: Promise<unknown> = Promise.resolve()): Promise<void> {
    await using boxcar = await Boxcar.open({ ownImages: true, ownGroups: true });
    await mkdir(join(boxcar.directory, "images/staging"), { recursive: true });
    const { child } = await boxcar.startTask({ command: ["true"] }, ["--image", image]);
    await untilCreated(child, boxcar.directory, UNPACKING);
    await ready;
    pressCtrlC(child);
    const { exitCode, result } = await finish(child);
    expect(exitCode).toBe(130);
    expect(result).toMatchObject({ state: "exception", reason: "canceled", artifacts: [] });
    expect(await boxcar.leftovers()).toEqual([]);
    expect(() => process.kill(-(child.pid as number), 0), "its helper programs are gone").toThrow("ESRCH");
    expect((await boxcar.run(["image", "list", "--json"])).stdout).toBe("[]");

    const next = await boxcar.runTask({ command: ["true"] }, ["--image", image]);
    expect(next.exitCode, next.stderr).toBe(0);
    expect(await boxcar.leftovers()).toEqual([]);
  }

  it("from an archive leaves nothing, and the next run brings it", () => interrupt(archive));

  it("from a server that has become silent leaves nothing, and the next run brings it", async () => {
    const { size } = await stat(archive);
    const silent = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<void>();
    let requests = 0;
    const server = createServer((_request, response) => {
      response.writeHead(200, { etag: '"1"', "content-length": size });
      if (++requests > 1) {
        createReadStream(archive).pipe(response);
        return;
      }
      createReadStream(archive, { end: Math.floor(size / 2) })
        .on("end", () => silent.resolve())
        .pipe(response, { end: false });
      response.on("close", () => closed.resolve());
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      const { port } = server.address() as AddressInfo;
      await interrupt(`http://127.0.0.1:${port}/x.tar.zst`, silent.promise);
      await closed.promise;
      expect(requests).toBe(2);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});

describe("kill -9 of the worker", () => {
  it("ends its machine, and what it leaves is gone after the next start", async () => {
    const { child } = await boxcar.startTask({ command: BUSY });
    await untilPrinted(child, "stdout", "up\n");
    const machines = await boxcar.machines();
    expect(machines).toHaveLength(1);
    child.kill("SIGKILL");
    await child;
    expect(await boxcar.leftovers()).not.toEqual([]);
    const { exitCode } = await boxcar.runTask({ command: ["true"] });
    expect(exitCode).toBe(0);
    expect(await boxcar.leftovers()).toEqual([]);
  });
});

describe("the accelerator", () => {
  it("is found out once, and the reason for a slow one is in the log", async () => {
    const first = await boxcar.runTask({ command: ["true"] });
    const cache = join(boxcar.directory, "state/cache");
    await mkdir(cache, { recursive: true });
    const { fault } = JSON.parse(await readFile(join(cache, "accelerator.json"), "utf8")) as { fault?: string };
    expect(first.result.accelerator).toBe(fault === undefined ? "kvm" : "tcg");
    if (fault !== undefined) expect(first.stderr).toContain(fault);
    expect((await readdir(cache)).sort()).toEqual(["accelerator.json", "qemu.json"]);
    const answers = async () =>
      await Promise.all(["accelerator.json", "qemu.json"].map(async (name) => (await stat(join(cache, name))).mtimeMs));
    const before = await answers();
    await boxcar.runTask({ command: ["true"] });
    expect(await answers()).toEqual(before);
  });
});
