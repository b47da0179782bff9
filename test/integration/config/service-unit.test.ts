import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tryParseDuration } from "../../../src/base/units.ts";
import { EXIT } from "../../../src/cli/context.ts";
import { resolveConfig } from "../../../src/config/config.ts";
import { unknownVariables } from "../../../src/config/environment.ts";
import { isInstalled } from "../../../src/host/program.ts";

const FILE = new URL("../../../config/boxcar-worker.service", import.meta.url);

const hasSystemd = await isInstalled("systemd-analyze");

let unit: string;
let directory: string;

beforeAll(async () => {
  unit = await readFile(FILE, "utf8");
  directory = await mkdtemp(join(tmpdir(), "boxcar-unit-"));
});

afterAll(() => rm(directory, { recursive: true }));

function value(key: string): string {
  const found = new RegExp(`^${key}=(.*)$`, "m").exec(unit);
  if (found === null) throw new Error(`the unit has no ${key}`);
  return found[1] ?? "";
}

describe.skipIf(!hasSystemd)("config/boxcar-worker.service, by systemd-analyze (of Debian's package systemd)", () => {
  /** What systemd says of the unit; of a program that is not installed here it would complain. */
  async function verify(content: string): Promise<string> {
    const file = join(directory, "boxcar-worker.service");
    await writeFile(file, content.replace(/^ExecStart=\S+/m, "ExecStart=/bin/true"));
    const { all } = await execa("systemd-analyze", ["verify", "--man=no", file], { all: true, reject: false });
    return all;
  }

  it("is a unit in which nothing is wrong", async () => {
    expect(await verify(unit)).toBe("");
    expect(await verify(unit.replace(/^#(LoadCredential=)/m, "$1"))).toBe("");
  });

  it("would be found out if something was", async () => {
    expect(await verify(unit.replace("KillMode=mixed", "KillMood=mixed"))).toContain("KillMood");
  });
});

describe("config/boxcar-worker.service", () => {
  it("fits the worker's defaults", () => {
    const { worker } = resolveConfig(undefined, {
      env: {},
      uid: 0,
      home: "/root",
      host: { memoryMiB: 16_384, cpus: 4 },
    });
    expect(tryParseDuration(value("TimeoutStopSec"))).toBeGreaterThan(worker.shutdown.timeoutMs);
    // A process that is busy for so long is still told to live on.
    expect(tryParseDuration(value("WatchdogSec"))).toBeGreaterThan(2 * worker.watchdog.blockedAfterMs);
    expect(Number(value("RestartPreventExitStatus"))).toBe(EXIT.usage);
  });

  it("sets only variables that there are", () => {
    const names = [...value("Environment").matchAll(/(BOXCAR_\w+)=/g)].map(([, name]) => name ?? "");
    expect(names).toContain("BOXCAR_STATE_DIR");
    expect(unknownVariables(Object.fromEntries(names.map((name) => [name, "x"])))).toEqual([]);
  });
});
