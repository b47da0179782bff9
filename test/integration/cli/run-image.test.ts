/** `boxcar run` with an image from somewhere: what is said of it, up to where there would be a machine. */
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { runCli } from "../../../src/cli/program.ts";
import { openTaskQueue } from "../../../src/cli/queue/open-task-queue.ts";
import { type Config, resolveConfig } from "../../../src/config/config.ts";
import { loadConfig } from "../../../src/config/load-config.ts";
import { PostgresServer } from "../../postgres-server.ts";
import { FileServer } from "../feature/inputs/file-server.ts";
import { ArchiveFolder, sha256Of } from "../image/archives.ts";

const archives = new ArchiveFolder();
afterAll(() => archives[Symbol.dispose]());

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "boxcar-run-"));
});
afterEach(() => rm(directory, { recursive: true }));

function configOf(document: object): Config {
  const folders = { stateDir: join(directory, "state"), runDir: join(directory, "run"), accelerator: "tcg" };
  const host = { memoryMiB: 8_192, cpus: 2 };
  return resolveConfig({ ...folders, ...document }, { env: {}, uid: 0, home: directory, host });
}

async function run(image: unknown, { isTTY = false, config = configOf({}) } = {}) {
  await writeFile(join(directory, "task.json"), JSON.stringify({ image, command: ["true"] }));
  const stderr = Object.assign(new PassThrough(), { isTTY, columns: 200 });
  const stdout = new PassThrough();
  const { signal } = new AbortController();
  const surroundings = { env: {}, uid: 0, home: directory, host: { memoryMiB: 8_192, cpus: 2 } };
  await runCli(["run", "--json", "-o", "out", "task.json"], {
    ...{ stdin: new PassThrough(), stdout, stderr, cwd: directory, signal, hurry: signal, surroundings },
    loadConfig: async () => config,
    setExitCode: () => {},
  });
  stderr.end();
  stdout.end();
  return { stderr: await text(stderr), result: JSON.parse((await text(stdout)).trim().split("\n").at(-1) ?? "") };
}

const artifact = { taskId: "AAAAAAAAAAAAAAAAAAAAAA", artifact: "public/image.tar.zst" };

describe("boxcar run with an image that is an artifact", () => {
  it("says what to do where there is no queue", async () => {
    const { result } = await run(artifact);
    expect(result).toMatchObject({ state: "exception", reason: "malformed-payload" });
    expect(result.message).toContain("this host has no queue, and the configuration names no other; set queue");
  });

  it("has it from the queue that is configured", async () => {
    await using server = await PostgresServer.start();
    const url = { file: join(directory, "url") };
    await writeFile(url.file, await server.createDatabase(), { mode: 0o600 });
    const file = join(directory, "boxcar.yml");
    const folders = { stateDir: join(directory, "state"), runDir: join(directory, "run"), accelerator: "tcg" };
    await writeFile(file, JSON.stringify({ ...folders, queue: { driver: "postgres", postgres: { url } } }));
    const surroundings = { env: {}, uid: 0, home: directory, host: { memoryMiB: 8_192, cpus: 2 } };
    const { config } = await loadConfig(surroundings, file);
    await using queue = await openTaskQueue(config);
    const { taskId } = await queue.submit({ payload: { command: ["true"] } });
    await using driver = queue.openDriver({ queue: "default", workerId: "worker", leaseMs: 60_000 });
    const { signal } = new AbortController();
    const [claim] = await driver.claim(1, signal);
    const staged = archives.file("staged", Buffer.from("this is no archive"));
    const facts = { sizeBytes: 18, sha256: sha256Of(staged), contentType: "application/zstd" };
    await claim?.artifacts.putFile({ name: artifact.artifact, file: staged, ...facts }, signal);
    await claim?.resolve({ kind: "completed" });
    const { result } = await run({ ...artifact, taskId }, { config });
    expect(result).toMatchObject({ state: "exception", reason: "malformed-payload" });
    expect(result.message, "it was fetched, and is none").toMatch(/zstd|archive/);
    expect((await run({ ...artifact, taskId, artifact: "none" }, { config })).result.message).toContain("no artifact");
  });
});

describe("boxcar run with an image to download", () => {
  it.each([true, false])("draws how far it is where stderr is a terminal: %s", async (isTTY) => {
    const image = archives.makeImage();
    await writeFile(join(image, "kernel"), randomBytes(300_000));
    const archive = archives.pack(image, ["--format=posix", "-S", "kernel", "machine.json", "disk.img"]);
    await using server = await FileServer.start({ "/a.tar.zst": await readFile(archive) });
    const digests = { sha256: sha256Of(archive), md5: "0".repeat(32) };
    const { result, stderr } = await run({ url: server.url("/a.tar.zst"), ...digests }, { isTTY });
    expect(result).toMatchObject({ reason: "malformed-payload", message: expect.stringContaining("md5:") });
    expect(stderr.includes("\r\u001b[Kunpacking the image [")).toBe(isTTY);
    expect(stderr.includes("\u001b")).toBe(isTTY);
    // The line it was drawn on is free again for what comes next.
    if (isTTY) expect(stderr).toContain("\r\u001b[K[boxcar ");
  });
});
