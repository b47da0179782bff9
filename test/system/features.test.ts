import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FileServer } from "../integration/feature/inputs/file-server.ts";
import { Boxcar, finish } from "./boxcar.ts";

let boxcar: Boxcar;

beforeAll(async () => {
  boxcar = await Boxcar.open();
});

afterAll(async () => {
  expect(await boxcar.leftovers()).toEqual([]);
  await boxcar[Symbol.asyncDispose]();
});

const sh = (script: string) => ["sh", "-c", script];

/** @param features Of the configuration. */
async function runTask(payload: object, features: object) {
  const config = `${boxcar.newPath()}.yml`;
  await writeFile(config, JSON.stringify({ features }));
  const { child, output } = await boxcar.startTask(payload, [], { BOXCAR_CONFIG: config });
  const finished = await finish(child);
  return { ...finished, output, log: await readFile(join(output, "task.log"), "utf8") };
}

describe("a task with a stall time-out", () => {
  it("is ended when it does nothing, and says since when", async () => {
    const { exitCode, result, log } = await runTask(
      { command: sh("echo begun; sleep 600"), stallTimeout: "2 seconds" },
      {},
    );
    expect(exitCode).toBe(1);
    expect(result).toMatchObject({ state: "failed", reason: "stalled" });
    expect(result.message).toMatch(/no output and no disk activity for 2\.\d s, since \d{4}-\d\d-\d\dT[\d:]+Z$/);
    expect(log).toContain("begun\n");
  });

  it("goes on while it uses its disk or prints something", async () => {
    const script = `for i in 1 2 3 4 5 6; do sleep 0.7; echo $i > /var/tmp/file; sync; done
      for i in 1 2 3 4 5 6; do sleep 0.7; echo $i; done`;
    const { exitCode, result } = await runTask({ command: sh(script) }, { stallTimeout: { default: 2 } });
    expect(exitCode, result.message).toBe(0);
  });
});

it("is to be run again after an exit code that says so", async () => {
  const { exitCode, result } = await runTask({ command: sh("exit 75"), onExitStatus: { retry: [75] } }, {});
  expect(exitCode).toBe(3);
  expect(result).toMatchObject({ state: "exception", reason: "intermittent-task", exitCode: 75 });
});

describe("a task with inputs", () => {
  it("finds them in place, and a second one does not download them", async () => {
    const folder = boxcar.newPath();
    await mkdir(join(folder, "lib/deep"), { recursive: true });
    await writeFile(join(folder, "lib/deep/a.txt"), "from the archive\n");
    const archive = execFileSync("tar", ["-cz", "-C", folder, "lib"]);
    const tool = Buffer.from("#!/bin/sh\necho the tool runs\n");
    await using server = await FileServer.start({ "/tool": tool, "/lib.tar.gz": archive });
    const sha256 = (data: Buffer) => createHash("sha256").update(data).digest("hex");
    const payload = {
      command: sh(
        "/opt/bin/tool; cat /opt/lib/lib/deep/a.txt /etc/x.conf; stat -c '%a %U %n' /opt/bin/tool /etc/x.conf; ls -A /opt/lib",
      ),
      inputs: [
        { url: server.url("/tool"), sha256: sha256(tool), path: "/opt/bin/tool", mode: "0755" },
        { url: server.url("/lib.tar.gz"), sha256: sha256(archive), path: "/opt/lib", extract: true },
        { content: "größer = true\n", path: "/etc/x.conf", mode: "0600", user: "root" },
      ],
    };
    const features = { inputs: { allow: [server.url("/")] } };
    for (const downloaded of [2, 0]) {
      const { exitCode, result, log } = await runTask(payload, features);
      expect(exitCode, result.message).toBe(0);
      expect(log).toContain(
        "the tool runs\nfrom the archive\ngrößer = true\n755 root /opt/bin/tool\n600 root /etc/x.conf\nlib\n",
      );
      expect(log).toContain(`3 inputs are in place: `);
      expect(log).toContain(`, ${downloaded} downloaded\n`);
    }
    expect(server.requests.sort()).toEqual(["/lib.tar.gz", "/tool"]);
  });

  it("fails by its own fault where an archive is none", async () => {
    const bytes = Buffer.from("no archive");
    await using server = await FileServer.start({ "/a.tar": bytes });
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const { result, log } = await runTask(
      { command: sh("echo never"), inputs: [{ url: server.url("/a.tar"), sha256, path: "/opt/a", extract: true }] },
      { inputs: { allow: [server.url("/")] } },
    );
    expect(result).toMatchObject({ state: "exception", reason: "malformed-payload" });
    expect(result.message).toMatch(/the input for \/opt\/a could not be unpacked: tar in the guest ended with \d+: \S/);
    expect(log).not.toContain("never\n");
  });
});

it("gets the secrets it names as variables, and leaves them nowhere on the disk of the host", async () => {
  const value = "c0rrect-h0rse-battery";
  const features = { secrets: { values: { NPM_TOKEN: { env: "THE_TOKEN" }, OTHER: "an0ther-0ne" } } };
  const config = `${boxcar.newPath()}.yml`;
  await writeFile(config, JSON.stringify({ features }));
  const { child, output } = await boxcar.startTask(
    {
      command: sh('printf %s "$NPM_TOKEN" | sha256sum; echo "other: $OTHER, token: $NPM_TOKEN"'),
      secrets: ["NPM_TOKEN"],
    },
    [],
    { BOXCAR_CONFIG: config, THE_TOKEN: value },
  );
  const { exitCode, result, stderr } = await finish(child);
  expect(exitCode, result.message).toBe(0);
  const log = await readFile(join(output, "task.log"), "utf8");
  expect(log).toContain(createHash("sha256").update(value).digest("hex"));
  expect(log).toContain("other: , token: [secret NPM_TOKEN]\n");
  for (const entry of await readdir(boxcar.directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    expect(await readFile(join(entry.parentPath, entry.name), "latin1")).not.toContain(value);
  }
  expect(stderr + JSON.stringify(result)).not.toContain(value);
});
