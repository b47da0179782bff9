import { execFile } from "node:child_process";
import { createPrivateKey } from "node:crypto";
import { mkdtemp, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { execa } from "execa";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { DirectoryStore } from "../../../src/artifact/directory-store.ts";
import { stageManifest } from "../../../src/feature/artifacts/manifest/stage.ts";
import type { ArtifactRecord } from "../../../src/feature/artifacts/record.ts";
import { storeArtifact } from "../../../src/feature/artifacts/store-artifact.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const MANIFEST = "public/chain-of-trust.json";

let directory: string;
let count = 0;
/** With what a run has left. */
let folder: string;

const boxcar = (...args: readonly string[]) =>
  execa(process.execPath, [join(ROOT, "src/main.ts"), "manifest", ...args], { cwd: directory, reject: false });

const verify = (...args: readonly string[]) => boxcar("verify", folder, "--key", "key.pem.pub", ...args);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "boxcar-manifest-"));
  await boxcar("keygen", "key.pem");
});

afterAll(() => rm(directory, { recursive: true }));

beforeEach(async () => {
  folder = join(directory, String(count++));
  const [sink, signal] = [new DirectoryStore(folder), new AbortController().signal];
  const text = () => Readable.from([Buffer.from("some text")], { objectMode: false });
  const records: ArtifactRecord[] = [
    await storeArtifact(sink, { name: "public/logs/task.log", compression: "gzip" }, text(), signal),
    await storeArtifact(sink, { name: "a.txt" }, text(), signal),
    { name: "missing.txt", error: "file-missing-on-worker", message: "it is not there" },
  ];
  const key = createPrivateKey(await readFile(join(directory, "key.pem"), "utf8"));
  const facts = {
    ...{ taskId: "a-task", runId: 1, worker: "here/1", payload: { command: ["true"] } },
    image: { digest: `sha256:${"0".repeat(64)}` },
    ...{ started: new Date("2026-11-21T08:00:00Z"), resolved: new Date("2026-11-21T08:01:00Z") },
  };
  await stageManifest({ facts, records, key, sink, signal });
});

describe("boxcar manifest keygen", () => {
  it("makes a private key that only its owner reads, and a public one", async () => {
    const { exitCode, stdout } = await boxcar("keygen", "other.pem");
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining(join(directory, "other.pem.pub"))]);
    expect((await stat(join(directory, "other.pem"))).mode & 0o777).toBe(0o600);
    expect(await readFile(join(directory, "other.pem.pub"), "utf8")).toContain("BEGIN PUBLIC KEY");
  });

  it("never replaces one", async () => {
    const before = await readFile(join(directory, "key.pem"), "utf8");
    expect(await boxcar("keygen", "key.pem")).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("is there"),
    });
    expect(await readFile(join(directory, "key.pem"), "utf8")).toBe(before);
  });
});

describe("boxcar manifest verify", () => {
  it("finds everything as it was signed", async () => {
    const { exitCode, stdout } = await verify();
    expect(stdout.split("\n")).toEqual([
      "task a-task, run 1, by here/1, over at 2026-11-21T08:01:00.000Z",
      `image sha256:${"0".repeat(64)}`,
      "intact: a.txt",
      "intact: public/logs/task.log",
      "all is as the worker has signed it",
    ]);
    expect(exitCode).toBe(0);
  });

  it("takes a file that was unpacked on its way", async () => {
    await writeFile(join(folder, "public/logs/task.log"), "some text");
    const { exitCode, stdout } = await verify("--json");
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ intact: true, files: [{}, { state: "unpacked" }] });
  });

  it("finds a file that was changed, by a byte or into a link", async () => {
    await writeFile(join(folder, "a.txt"), "some_text");
    expect(await verify()).toMatchObject({ exitCode: 1, stdout: expect.stringContaining("CHANGED: a.txt") });
    await rename(join(folder, "a.txt"), join(directory, "elsewhere"));
    await writeFile(join(directory, "elsewhere"), "some text");
    await symlink(join(directory, "elsewhere"), join(folder, "a.txt"));
    expect(await verify()).toMatchObject({ exitCode: 1, stdout: expect.stringContaining("CHANGED: a.txt") });
  });

  it("finds what is missing, unless it may be", async () => {
    await rm(join(folder, "a.txt"));
    expect(await verify()).toMatchObject({ exitCode: 1, stdout: expect.stringContaining("MISSING: a.txt") });
    expect(await verify("--partial")).toMatchObject({ exitCode: 0 });
  });

  it("finds what nobody has signed", async () => {
    await writeFile(join(folder, "public/b.txt"), "");
    const { exitCode, stdout } = await verify();
    expect([exitCode, stdout]).toEqual([1, expect.stringContaining("NOT IN THE MANIFEST: public/b.txt")]);
  });

  it("refuses a manifest that was changed, or is by somebody else", async () => {
    await boxcar("keygen", "foreign.pem");
    const foreign = await boxcar("verify", folder, "--key", "foreign.pem.pub");
    expect(foreign).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("is not by this key") });
    const text = await readFile(join(folder, MANIFEST), "utf8");
    await writeFile(join(folder, MANIFEST), text.replace("a-task", "b-task"));
    expect(JSON.parse((await verify("--json")).stdout)).toMatchObject({ intact: false });
    expect(await verify()).toMatchObject({ exitCode: 1, stdout: "" });
  });

  it("says what to do where there is no manifest, and no key", async () => {
    const empty = await boxcar("verify", ".", "--key", "key.pem.pub");
    expect(empty).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("name the folder") });
    const noKey = await boxcar("verify", folder, "--key", "nowhere");
    expect(noKey).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("there is no such file") });
    const wrongKey = await boxcar("verify", folder, "--key", join(folder, "a.txt"));
    expect(wrongKey.stderr).toContain("boxcar manifest keygen");
  });

  it("is what any other tool finds too", async () => {
    const [file, signature] = [join(folder, MANIFEST), join(folder, `${MANIFEST}.sig`)];
    const args = ["pkeyutl", "-verify", "-pubin", "-inkey", join(directory, "key.pem.pub"), "-rawin"];
    const { stdout } = await promisify(execFile)("openssl", [...args, "-in", file, "-sigfile", signature]);
    expect(stdout).toContain("Signature Verified Successfully");
  });
});
