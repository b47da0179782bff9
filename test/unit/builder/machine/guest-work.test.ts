import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import * as scripts from "../../../../src/builder/machine/guest-scripts.ts";
import { parsePackages } from "../../../../src/builder/machine/guest-work.ts";

const folder = mkdtempSync(join(tmpdir(), "boxcar-guest-work-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("has scripts that every shell can read", () => {
  for (const [name, script] of Object.entries(scripts)) {
    expect(() => execFileSync("sh", ["-n", "-c", script], { stdio: "pipe" }), name).not.toThrow();
  }
});

/** Runs a script where nothing is installed but these programs, which print what they are asked for. */
function run(script: string, programs: readonly string[], ...words: string[]): string {
  const bin = mkdtempSync(join(folder, "bin-"));
  for (const name of programs) {
    writeFileSync(join(bin, name), `#!/bin/sh\necho ${name} "$@"\n`, { mode: 0o755 });
  }
  try {
    return execFileSync("/bin/sh", ["-c", script, "sh", ...words], { encoding: "utf8", env: { PATH: bin } });
  } catch (error) {
    return `failed with ${(error as { status: number }).status}`;
  }
}

it("installs packages with what the guest has", () => {
  expect(run(scripts.INSTALL_PACKAGES, ["apt-get"], "git", "make=4")).toMatch(
    /^apt-get .* update\napt-get .*--force-confold install -y --no-install-recommends -- git make=4\n$/,
  );
  expect(run(scripts.INSTALL_PACKAGES, ["dnf"], "git")).toMatch(/^dnf install -y .*-- git\n$/);
  expect(run(scripts.INSTALL_PACKAGES, ["apk"], "git")).toBe("apk add --no-cache -- git\n");
  expect(run(scripts.INSTALL_PACKAGES, [], "git")).toBe("failed with 127");
});

it("reads lists of packages as each system prints them, and takes nothing else for one", () => {
  expect(parsePackages("zlib1g 1:1.2\nacl 2.3.1-3\n")).toEqual([
    { name: "acl", version: "2.3.1-3" },
    { name: "zlib1g", version: "1:1.2" },
  ]);
  expect(parsePackages("musl\n 1.2.4-r2\nbusybox\n 1.36\n").map(({ name }) => name)).toEqual(["busybox", "musl"]);
  expect(parsePackages("no version\ttabs\n../x 1\n\u001b[2J 1\na b c\n")).toEqual([]);
});
