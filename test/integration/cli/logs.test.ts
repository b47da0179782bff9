/** `boxcar logs`, beside a worker of which nothing but its socket is there. */
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HostArtifacts } from "../../../src/artifact/host-artifacts.ts";
import { EmbeddedDatabase } from "../../../src/queue/embedded/embedded-database.ts";
import { PostgresQueue } from "../../../src/queue/postgres/postgres-queue.ts";

const BOXCAR = fileURLToPath(new URL("../../../bin/boxcar.js", import.meta.url));

let directory: string;
let queue: PostgresQueue;
let worker: Server;
let answer: RequestListener;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "bxc-"));
  const state = join(directory, "state");
  const connection = await EmbeddedDatabase.open({ directory: join(state, "queue"), runDir: join(directory, "run") });
  queue = await PostgresQueue.open({ connection, files: await HostArtifacts.open(join(state, "artifacts")) });
  worker = createServer((request, response) => answer(request, response));
  await mkdir(join(directory, "run"), { recursive: true });
  worker.listen({ path: join(directory, "run/worker.sock") });
  await once(worker, "listening");
});

afterAll(async () => {
  worker.close();
  worker.closeAllConnections();
  await queue[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

function logs(taskId: string) {
  const folders = { BOXCAR_STATE_DIR: join(directory, "state"), BOXCAR_RUN_DIR: join(directory, "run") };
  return execa(process.execPath, [BOXCAR, "logs", "-f", taskId], {
    ...{ cwd: directory, extendEnv: false, reject: false, stdin: "ignore" },
    env: { PATH: process.env["PATH"] ?? "", HOME: directory, ...folders },
  });
}

describe("boxcar logs", () => {
  it("says so where the worker ends before its log does", async () => {
    const { taskId } = await queue.submit({ payload: {} });
    answer = (_request, response) => response.write("one\n", () => response.destroy());
    const { exitCode, stdout, stderr } = await logs(taskId);
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: "one" });
    expect(stderr).toBe(`boxcar: the worker ended while it sent the log; "boxcar logs ${taskId}" prints what there is`);
  });

  it("ends without a word when nobody reads what it prints any more", async () => {
    const { taskId } = await queue.submit({ payload: {} });
    answer = (_request, response) => {
      const say = () => response.write("a line\n".repeat(1_000), (error) => error ?? say());
      say();
    };
    const child = logs(taskId);
    await once(child.stdout, "data");
    child.stdout.destroy();
    const { exitCode, stderr } = await child;
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  });
});
