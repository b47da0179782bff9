import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { resolveConfig } from "../../../src/config/config.ts";
import { currentSurroundings } from "../../../src/config/host-facts.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "boxcar-config-"));
});

afterAll(() => rm(directory, { recursive: true }));

/** The home is empty: the host's own configuration does not count. */
function boxcar(args: readonly string[], env: Record<string, string> = {}) {
  const own = { HOME: directory, XDG_CONFIG_HOME: "", PATH: process.env["PATH"] ?? "", BOXCAR_CONFIG: "", ...env };
  const program = [join(ROOT, "src/main.ts"), ...args];
  return execa(process.execPath, program, { env: own, extendEnv: false, cwd: directory, reject: false });
}

async function file(name: string, content: string): Promise<string> {
  await writeFile(join(directory, name), content);
  return name;
}

const WRONG = `limits:
  maxRunTme: 5
  bootTimeout: soon
worker: {http: {listen: "0.0.0.0:80"}}
`;

describe("boxcar config check", () => {
  it("is content with what is right", async () => {
    const name = await file("right.yml", "worker: {capacity: 2}\n");
    expect(await boxcar(["config", "check", name])).toMatchObject({
      exitCode: 0,
      stdout: "right.yml: nothing is wrong",
      stderr: "",
    });
    const json = await boxcar(["--config", name, "config", "check", "--json"]);
    expect(JSON.parse(json.stdout)).toEqual({ valid: true, file: name, issues: [], warnings: [] });
  });

  it("lists all that is wrong in the file and in the environment, with the lines", async () => {
    const name = await file("wrong.yml", WRONG);
    const env = { BOXCAR_WORKER_CAPACITY: "many", BOXCAR_WORKER_CAPCITY: "2" };
    const { exitCode, stdout } = await boxcar(["config", "check", name], env);
    expect(exitCode).toBe(2);
    expect(stdout.split("\n")).toEqual([
      'wrong.yml:2:3: limits.maxRunTme: is not a known key; did you mean "maxRunTime"?',
      expect.stringMatching(/^wrong\.yml:3:3: limits\.bootTimeout: must be a number of seconds/),
      expect.stringMatching(/^wrong\.yml:4:17: worker\.http\.listen: 0\.0\.0\.0 can be reached by others/),
      'BOXCAR_WORKER_CAPACITY: must be a whole number, not "many"',
      "warning: the environment variable BOXCAR_WORKER_CAPCITY sets nothing; did you mean BOXCAR_WORKER_CAPACITY?",
    ]);
  });

  it("says it as JSON", async () => {
    const name = await file("wrong.yml", WRONG);
    const { exitCode, stdout } = await boxcar(["config", "check", "--json", name]);
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      valid: false,
      file: name,
      issues: [{ path: "limits.maxRunTme", line: 2, column: 3 }, { line: 3 }, { path: "worker.http.listen", line: 4 }],
    });
  });

  it("says where a file is no YAML at all", async () => {
    const name = await file("broken.yml", "a: [1\n");
    const { exitCode, stdout } = await boxcar(["config", "check", name]);
    expect(exitCode).toBe(2);
    expect(stdout).toMatch(/^broken\.yml: is not YAML: .* line \d/);
  });

  it("says that there is no file, which is a mistake only where one was asked for", async () => {
    expect(await boxcar(["config", "check"])).toMatchObject({
      exitCode: 0,
      stdout: "There is no configuration file, and the defaults hold.",
    });
    const { exitCode, stderr } = await boxcar(["config", "check", "nowhere.yml"]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("there is no such file");
  });
});

describe("boxcar config show", () => {
  it("prints a configuration that says the same as what is in force", async () => {
    const name = await file("mine.yml", "stateDir: /s\nlimits: {maxRunTime: 2 hours, maxLogMiB: 1024}\n");
    const { exitCode, stdout, stderr } = await boxcar(["--config", name, "config", "show"], {
      BOXCAR_POOL_MACHINES: "3",
    });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const surroundings = currentSurroundings({ HOME: directory });
    const expected = { stateDir: "/s", limits: { maxRunTime: "2 hours" }, pool: { machines: 3 } };
    expect(resolveConfig(parse(stdout), surroundings)).toEqual(resolveConfig(expected, surroundings));
    const origins = stdout.split("\n").filter((line) => / # /.test(line));
    expect(origins).toEqual([
      "stateDir: /s # mine.yml",
      "  machines: 3 # BOXCAR_POOL_MACHINES",
      "  maxRunTime: 2 hours # mine.yml",
    ]);
  });

  it("prints JSON", async () => {
    const { stdout } = await boxcar(["config", "show", "--json"], { BOXCAR_WORKER_CAPACITY: "3" });
    expect(JSON.parse(stdout)).toMatchObject({
      file: null,
      config: { worker: { capacity: 3, reserve: { memory: 512 } } },
      origins: { "worker.capacity": "BOXCAR_WORKER_CAPACITY" },
    });
  });

  it("shows nothing where something is wrong, but that", async () => {
    const name = await file("wrong.yml", WRONG);
    const { exitCode, stdout, stderr } = await boxcar(["--config", name, "config", "show"]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toContain("wrong.yml has 3 issues");
  });
});

describe("a secret that is somewhere else", () => {
  const content = `features:
  secrets:
    values:
      token: hunter2
      missing: {file: /nowhere}
      late: {credential: queue}
`;

  it("is looked for by check, but a credential only where systemd gives them", async () => {
    const name = await file("secrets.yml", content);
    const { exitCode, stdout } = await boxcar(["config", "check", name]);
    expect(exitCode).toBe(2);
    expect(stdout.split("\n")).toEqual([
      "secrets.yml:5:17: features.secrets.values.missing.file: there is no file /nowhere",
      "warning: features.secrets.values.late is a credential, which only a service of systemd is given",
    ]);
    const service = await boxcar(["config", "check", name], { CREDENTIALS_DIRECTORY: directory });
    expect(service.stdout).toContain(`features.secrets.values.late.credential: there is no file ${directory}/queue`);
  });

  it("is shown neither as a value nor as a place, and stops no command that does without", async () => {
    const name = await file("secrets.yml", content);
    const { exitCode, stdout } = await boxcar(["--config", name, "config", "show"]);
    expect(exitCode).toBe(0);
    for (const key of ["token", "missing", "late"]) expect(stdout).toContain(`${key}: "[secret]" # secrets.yml`);
    expect(stdout).not.toMatch(/hunter2|nowhere/);
    expect(await boxcar(["--config", name, "image", "list"], { BOXCAR_STATE_DIR: directory })).toMatchObject({
      exitCode: 0,
    });
  });
});

describe("boxcar config example", () => {
  it("prints a file that can be used as it is", async () => {
    const { exitCode, stdout } = await boxcar(["config", "example"]);
    expect(exitCode).toBe(0);
    expect(`${stdout}\n`).toBe(await readFile(join(ROOT, "config/worker.example.yml"), "utf8"));
    const name = await file("example.yml", stdout);
    expect(await boxcar(["config", "check", name])).toMatchObject({ exitCode: 0 });
  });
});

it("warns of a variable that sets nothing, whatever the command", async () => {
  const { stderr } = await boxcar(["image", "list"], { BOXCAR_STATE_DIRS: "/x", BOXCAR_STATE_DIR: directory });
  expect(stderr).toContain(
    "warning: the environment variable BOXCAR_STATE_DIRS sets nothing; did you mean BOXCAR_STATE_DIR?",
  );
});
