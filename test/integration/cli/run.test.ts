import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runCli } from "../../../src/cli/program.ts";
import { resolveConfig } from "../../../src/config/config.ts";

let directory: string;
let output: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "boxcar-run-"));
  output = join(directory, "out");
});

afterEach(() => rm(directory, { recursive: true }));

const argumentsFor = (folder: string) => ["run", "--json", "-o", folder, "--image", "./none.tar.zst", "--", "true"];

/** A run that ends before there is a machine: its image does not exist. */
async function run() {
  const document = { stateDir: join(directory, "state"), runDir: join(directory, "run"), accelerator: "tcg" };
  const host = { memoryMiB: 8_192, cpus: 2 };
  const surroundings = { env: {}, uid: 0, home: directory, host };
  const config = resolveConfig(document, surroundings);
  const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() };
  let exitCode: number | undefined;
  await runCli(argumentsFor(output), {
    ...streams,
    cwd: directory,
    signal: new AbortController().signal,
    surroundings,
    hurry: new AbortController().signal,
    loadConfig: async () => config,
    setExitCode: (code) => {
      exitCode = code;
    },
  });
  streams.stderr.end();
  return { exitCode, stderr: await text(streams.stderr) };
}

const readResult = async () => JSON.parse(await readFile(join(output, "result.json"), "utf8")) as unknown;

describe("the output folder of boxcar run", () => {
  it("is used again by a later run, which keeps nothing of the one before", async () => {
    await run();
    await mkdir(join(output, "artifacts"));
    await writeFile(join(output, "failure.png"), "");
    await writeFile(join(output, "notes.txt"), "the user's");
    expect((await run()).exitCode).toBe(2);
    expect((await readdir(output)).sort()).toEqual(["notes.txt", "result.json", "task.log"]);
    expect(await readResult()).toMatchObject({ taskId: expect.any(String), reason: "malformed-payload" });
  });

  it("is used again after a run that was killed and left no result", async () => {
    await run();
    await rm(join(output, "result.json"));
    await run();
    expect((await readdir(output)).sort()).toEqual(["result.json", "task.log"]);
  });

  it("is used again after a run that could write nothing", async () => {
    await mkdir(output);
    for (const name of ["result.json", "task.log"]) await writeFile(join(output, name), "");
    await run();
    expect(await readResult()).toMatchObject({ reason: "malformed-payload" });
  });

  it.each([
    ["artifacts/mine", ""],
    ["artifacts/task.log", "[boxcar "],
    ["task.log", "tasks of today"],
    ["result.json", '{"mine":true}'],
    ["result.json", "null"],
    ["failure.png", "a picture"],
  ])("is refused where somebody else has put %s (%j), which stays", async (name, content) => {
    const file = join(output, name);
    await mkdir(join(file, ".."), { recursive: true });
    await writeFile(file, content);
    const { exitCode, stderr } = await run();
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`The output folder ${output} has 1 issue:\n  ${name.split("/")[0]}: is in the way`);
    expect(await readFile(file, "utf8")).toBe(content);
    expect(await readdir(output)).toHaveLength(1);
  });
});

/** Mounts a disk of one page at $1, fills it and runs the rest; not every host lets everybody do so. */
const ON_FULL_DISK = 'mount -t tmpfs -o size=4k none "$1" && head -c 4k /dev/zero > "$1/fill" && shift && exec "$@"';
const OWN_MOUNTS = ["--user", "--map-root-user", "--mount"];
const { failed: cannotMount } = await execa("unshare", [...OWN_MOUNTS, "true"], { reject: false });

describe.skipIf(cannotMount)("a run whose disk is full", () => {
  it("says so, and still prints its result", async () => {
    await mkdir(output);
    const main = join(import.meta.dirname, "../../../src/main.ts");
    const command = [process.execPath, main, ...argumentsFor(output)];
    const env = { BOXCAR_STATE_DIR: join(directory, "state"), BOXCAR_RUN_DIR: join(directory, "run") };
    const { exitCode, stdout, stderr } = await execa(
      "unshare",
      [...OWN_MOUNTS, "sh", "-c", ON_FULL_DISK, "sh", output, ...command],
      { cwd: directory, env, reject: false },
    );
    expect(exitCode, stderr).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ state: "exception", reason: "malformed-payload" });
    expect(stderr).toContain("result.json is not whole: ENOSPC");
    expect(stderr).toContain("task.log is not whole: ENOSPC");
  });
});
