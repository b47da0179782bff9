import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { TaskDetails } from "../../../src/queue/task-queue.ts";
import { HttpService } from "../../../src/web/server/service.ts";

const BOXCAR = fileURLToPath(new URL("../../../bin/boxcar.js", import.meta.url));

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "bxc-"));
});

afterAll(async () => {
  await rm(directory, { recursive: true });
});

function boxcar(...args: string[]) {
  const folders = { BOXCAR_STATE_DIR: join(directory, "state"), BOXCAR_RUN_DIR: join(directory, "run") };
  const env = { PATH: process.env["PATH"] ?? "", HOME: directory, ...folders };
  const options = { cwd: directory, env, extendEnv: false, reject: false, stdin: "ignore", timeout: 30_000 } as const;
  return execa(process.execPath, [BOXCAR, ...args], options);
}

it.each([
  [["worker", "frobnicate"], "unknown command 'frobnicate'\n(boxcar worker --help "],
  [["queue", "submit", "--frobnicate"], "unknown option '--frobnicate'\n(boxcar queue submit --help "],
  [["frobnicate"], "unknown command 'frobnicate'\n(boxcar --help "],
])("boxcar %j says what is wrong, and whose help tells more", async (args, message) => {
  const { exitCode, stderr } = await boxcar(...args);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(message);
});

it("claims nothing where another worker has its socket, and only says so", async () => {
  const taskId = (await boxcar("queue", "submit", "--", "true")).stdout;
  const path = join(directory, "run", "worker.sock");
  await using _other = await HttpService.listen({ path }, (_request, response) => void response.end());
  const { exitCode, stderr } = await boxcar("worker", "--log-format", "text");
  expect(exitCode).toBe(3);
  // There is no image either, of which the worker warns.
  const [missing, ...rest] = stderr.split("\n");
  expect(missing).toMatch(/warn: there is no image "debian-minimal" here/);
  expect(rest).toEqual([`boxcar: another process listens on ${path}; is there a worker already?`]);
  const { stdout } = await boxcar("queue", "show", taskId, "--json");
  expect(JSON.parse(stdout) as TaskDetails).toMatchObject({ state: "pending", runs: [{ runId: 0 }] });
});
