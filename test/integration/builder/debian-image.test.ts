import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env, execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";
import { buildImage } from "../../../src/builder/build.ts";
import { inputsOf } from "../../../src/builder/inputs.ts";
import { parseRecipe } from "../../../src/builder/recipe.ts";
import { guestProgramPath } from "../../../src/cli/guest-programs.ts";
import { type Config, resolveConfig } from "../../../src/config/config.ts";
import { currentSurroundings } from "../../../src/config/host-facts.ts";
import type { ImageProvenance } from "../../../src/generated/image.ts";
import { ImageStore } from "../../../src/image/store/image-store.ts";
import { sha256Of } from "../image/archives.ts";

const folder = mkdtempSync(join(tmpdir(), "boxcar-debian-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const never = async () => await Promise.reject(new Error("no machine was to be started"));
const programs = { agentBinary: guestProgramPath("boxcar-agent"), initBinary: guestProgramPath("boxcar-init") };

/** A state of its own, with the packages that other builds on this host have fetched. */
function configIn(name: string): Config {
  const stateDir = join(folder, name);
  const shared = join(resolveConfig(undefined, currentSurroundings(env)).stateDir, "cache", "packages");
  mkdirSync(shared, { recursive: true });
  mkdirSync(join(stateDir, "cache"), { recursive: true });
  symlinkSync(shared, join(stateDir, "cache", "packages"));
  return resolveConfig({ stateDir }, currentSurroundings(env));
}

interface Built {
  archive: string;
  stages: string[];
  lines: string[];
}

async function build(name: string): Promise<Built> {
  const config = configIn(name);
  const recipe = parseRecipe(
    {
      ...{ name: "tiny", from: { debian: "host" }, sizeGiB: 1, packages: ["make"] },
      files: [{ path: "/srv/note", content: "hello\n", mode: "600", owner: "dev:adm" }],
      users: [{ name: "dev", groups: ["adm"], authorizedKeys: ["ssh-ed25519 AAAA dev"] }],
    },
    join(folder, "tiny.yml"),
  );
  const directory = join(folder, name, "work");
  mkdirSync(directory);
  await using images = await ImageStore.open({ directory: join(folder, name, "images") });
  const [stages, lines, archive] = [[] as string[], [] as string[], join(folder, `${name}.tar.zst`)];
  await buildImage(recipe, {
    inputs: await inputsOf(recipe, programs, undefined),
    ...{ output: archive, layer: false, builder: "test", epochSeconds: undefined },
    context: {
      ...{ config, images, programs, directory, signal: new AbortController().signal },
      ...{ openNetworks: never, chooseAccelerator: never },
      report: {
        stage: (text) => void stages.push(text),
        progress: () => {},
        line: (text) => void lines.push(text),
        detail: (text) => void lines.push(text),
        note: (text) => void lines.push(text),
      },
    },
  });
  return { archive, stages, lines };
}

/** What debugfs says to a request about the disk of an archive. */
function askDisk(disk: string, request: string): string {
  return execFileSync("/usr/sbin/debugfs", ["-R", request, disk], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
}

it.runIf(process.getuid?.() === 0)(
  "is the same, byte for byte, whenever and wherever it is built from the same packages",
  { timeout: 400_000 },
  async () => {
    const first = await build("first");
    expect(first.stages).toEqual(["installing Debian packages", "making the system", "making the disk", "packing"]);
    const before = Math.floor(Date.now() / 1_000);
    const second = await build("a-folder-with-a-longer-name");
    expect(Math.floor(Date.now() / 1_000)).toBeGreaterThan(before);
    expect(sha256Of(second.archive)).toBe(sha256Of(first.archive));
    // What the first has fetched, or a build before it, is there.
    expect(second.lines.filter((line) => /^Get:\d+ .*\.deb/.test(line))).toEqual([]);

    execFileSync("tar", ["--zstd", "-xf", first.archive, "-C", folder]);
    const provenance = JSON.parse(readFileSync(join(folder, "image.json"), "utf8")) as ImageProvenance;
    expect(provenance.packages?.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["base-files", "dpkg", "make"]),
    );
    expect(provenance.packages?.at(-1)?.name).toMatch(/^linux-image-6/);
    expect(Date.parse(provenance.created ?? "")).toBeLessThan(before * 1_000);
    expect(provenance.agent).toMatch(/^boxcar-agent /);
    const disk = join(folder, "disk.img");
    expect(askDisk(disk, "cat /srv/note")).toBe("hello\n");
    expect(askDisk(disk, "ls -l /srv")).toMatch(/100600 \(1\) +1001 +4 .* note$/m);
    expect(askDisk(disk, "cat /home/dev/.ssh/authorized_keys")).toBe("ssh-ed25519 AAAA dev\n");
    expect(askDisk(disk, "cat /etc/group")).toMatch(/^adm:.:4:dev$/m);
    execFileSync("/usr/sbin/e2fsck", ["-f", "-n", disk], { stdio: "ignore" });
  },
);

it.runIf(process.getuid?.() === 0)("says what to type where a user may not make one", () => {
  const file = fileURLToPath(new URL("../../../src/builder/debian/namespace.ts", import.meta.url));
  const script = join(folder, "try.ts");
  writeFileSync(script, `import { openNamespace } from ${JSON.stringify(file)};\nawait openNamespace();\n`);
  execFileSync("chmod", ["755", folder]);
  const unprivileged = ["--reuid=65534", "--regid=65534", "--clear-groups", "--", execPath, script];
  let said = "";
  try {
    execFileSync("setpriv", unprivileged, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    said = (error as { stderr: string }).stderr;
  }
  expect(said).toMatch(/build-not-permitted/);
  expect(said.match(/^ {2}sudo .*$/gm)).toHaveLength(2);
});
