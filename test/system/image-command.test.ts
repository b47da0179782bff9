import { readFileSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ArchiveFolder, sha256Of } from "../integration/image/archives.ts";
import { Boxcar } from "./boxcar.ts";

const folder = new ArchiveFolder();
afterAll(() => folder[Symbol.dispose]());

const archive = folder.packImage(folder.makeImage());

/** Its store is empty before and after each test. */
let boxcar: Boxcar;
beforeAll(async () => {
  boxcar = await Boxcar.open({ ownImages: true });
});

afterAll(async () => {
  expect(await printed("list", "--json")).toBe("[]");
  expect(await boxcar.leftovers()).toEqual([]);
  await boxcar[Symbol.asyncDispose]();
});

/** What a command prints that must succeed. */
async function printed(...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await boxcar.run(["image", ...args]);
  expect(exitCode, stderr).toBe(0);
  return stdout;
}

describe("boxcar image", () => {
  it("imports, lists, shows and removes for people", async () => {
    const digest = `sha256:${sha256Of(archive)}`;
    expect(await printed("list")).toMatch(/^There are no images yet; .*boxcar image build/);
    expect(await printed("import", archive, "--tag", "tiny")).toBe(`${digest} (tiny)`);
    const [head, row, ...more] = (await printed("list")).split("\n");
    expect(head).toMatch(/^NAME +DIGEST +ARCHIVE +ON DISK +LAST USED$/);
    expect(row).toMatch(new RegExp(`^tiny +${digest.slice(7, 19)} `));
    expect(more).toEqual([]);
    const shown = await printed("inspect", "tiny");
    expect(shown).toContain(digest);
    expect(shown).toContain("16.0 MiB");
    expect(await printed("rm", "tiny")).toBe("removed tiny");
    expect(await printed("ls")).toMatch(/^There are no images yet/);
  });

  it("says the same to programs, of one image by any of its names", async () => {
    const sha256 = sha256Of(archive);
    expect(JSON.parse(await printed("list", "--json"))).toEqual([]);
    const imported = JSON.parse(await printed("import", archive, "--tag", "tiny", "--json"));
    expect(imported).toMatchObject({
      digest: `sha256:${sha256}`,
      tags: ["tiny"],
      machine: { version: 2, memory: 256 },
      sizes: { archiveBytes: readFileSync(archive).length, virtualBytes: 16 * 1_024 * 1_024 },
    });
    expect(JSON.parse(await printed("list", "--json"))).toEqual([imported]);
    for (const reference of ["tiny", `sha256:${sha256}`, sha256, sha256.slice(0, 6)]) {
      expect(JSON.parse(await printed("inspect", reference, "--json"))).toEqual({ ...imported, snapshots: [] });
    }
    await printed("rm", "tiny");
  });

  it("removes one of two names alone, and the image with the last", async () => {
    await printed("import", archive, "--tag", "one");
    await printed("import", archive, "--tag", "two");
    expect(await printed("rm", "one")).toBe("removed the name one");
    expect(JSON.parse(await printed("inspect", "two", "--json")).tags).toEqual(["two"]);
    expect(await printed("rm", "two")).toBe("removed two");
    expect(await printed("list", "--json")).toBe("[]");
  });

  it("takes the path of an archive as seen from where it is called", async () => {
    await copyFile(archive, join(boxcar.directory, "here.tar.zst"));
    const digest = `sha256:${sha256Of(archive)}`;
    expect(await printed("import", "here.tar.zst")).toBe(digest);
    expect(await printed("rm", digest)).toBe(`removed ${digest}`);
  });
});

/** Like {@link printed}, of a command that may fail. */
async function tried(...args: string[]) {
  const { exitCode, stdout, stderr } = await boxcar.run(["image", ...args]);
  return { exitCode, stdout, stderr };
}

describe("an image that is shipped", () => {
  it("is signed, pushed, pulled, verified and exported as the very bytes it was", async () => {
    const digest = `sha256:${sha256Of(archive)}`;
    await printed("import", archive, "--tag", "tiny");
    expect((await boxcar.run(["manifest", "keygen", "team.pem"])).exitCode).toBe(0);
    expect(await tried("verify", "tiny", "--key", "team.pem.pub")).toMatchObject({
      ...{ exitCode: 1, stderr: expect.stringMatching(/refused: nobody has signed it; boxcar image sign/) },
    });
    expect(await printed("sign", "tiny", "--key", "team.pem")).toMatch(`${digest} is signed by`);
    expect(await printed("push", "tiny", "--to", "registry", "--tag", "shipped")).toBe(`${digest} (shipped)`);
    expect(JSON.parse(await printed("list", "--from", "registry", "--json"))).toMatchObject([
      { name: "shipped", digest },
    ]);
    await printed("rm", "tiny");
    const pulled = JSON.parse(await printed("pull", "shipped", "--from", "registry", "--json"));
    expect(pulled).toMatchObject({
      digest,
      tags: ["shipped"],
      archiveKept: true,
      signatures: [{ key: expect.any(String) }],
    });
    const verified = JSON.parse(await printed("verify", "shipped", "--key", "team.pem.pub", "--json"));
    expect(verified).toMatchObject({ accepted: true, digest, signatures: { verified: [pulled.signatures[0].key] } });
    await printed("export", "shipped", "-o", "out/again.tar.zst");
    const again = join(boxcar.directory, "out/again.tar.zst");
    expect(sha256Of(again)).toBe(sha256Of(archive));
    expect(await printed("verify", again, "--key", "team.pem.pub")).toMatch(/^signed +by [0-9a-f]{64}$/m);
    expect(JSON.parse(await printed("show", again, "--json"))).toMatchObject({
      digest,
      signatures: { claimed: [pulled.signatures[0].key] },
    });
    expect(await tried("tag", "shipped", "more.zst")).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/does not end with \.zst/),
    });
    expect(await printed("tag", "shipped", "more")).toBe(`${digest} (more, shipped)`);
    expect(await printed("history", "more")).toMatch(/^WHEN .*\n- .*unknown: it has no image\.json$/);
    await printed("rm", digest);
  });

  it("is collected when it has no name, and before that it is said", async () => {
    const digest = await printed("import", archive);
    const wouldGo = `would remove the image ${digest.slice(0, 19)}`;
    expect(await printed("gc", "--all-untagged", "--dry-run")).toContain(wouldGo);
    expect(JSON.parse(await printed("list", "--json"))).toHaveLength(1);
    const { removed } = JSON.parse(await printed("gc", "--all-untagged", "--json"));
    expect(removed).toMatchObject([{ what: `the image ${digest.slice(0, 19)}` }]);
    expect(await printed("gc", "--until", "1 KiB free")).toMatch(/^nothing to remove; /);
  });

  it("is refused by its verdict alone, of which nothing stays", async () => {
    const half = folder.file("cut.tar.zst", readFileSync(archive).subarray(0, 500));
    expect(await tried("verify", half)).toMatchObject({
      exitCode: 1,
      stdout: "",
      stderr: expect.stringMatching(/refused: .*truncated/),
    });
    expect(await tried("verify", "nope")).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/there is no image/),
    });
  });
});

/** One sentence, exit code 2, and nothing on stdout. */
async function expectMistake(args: readonly string[], sentence: RegExp, env?: Record<string, string>): Promise<void> {
  const { exitCode, stdout, stderr } = await boxcar.run(args, env);
  expect(stderr).toMatch(sentence);
  expect(stderr).not.toMatch(/\n +at |\bbug\b|E[A-Z]{4,}:/);
  expect(exitCode).toBe(2);
  expect(stdout).toBe("");
}

describe("a mistake", () => {
  it.each([
    ["a file that is not there", () => join(folder.path, "nowhere.tar.zst"), /there is no file .*nowhere\.tar\.zst/],
    ["a folder", () => folder.path, /no plain file/],
    ["a text", () => folder.file("text.tar.zst", Buffer.from("hello")), /no zstd data/],
    ["half an archive", () => folder.file("half.tar.zst", readFileSync(archive).subarray(0, 500)), /truncated/],
    ["an archive without a disk", () => folder.pack(folder.makeImage(), ["machine.json"]), /disk\.img/],
    [
      "a foreign file",
      () => {
        const image = folder.makeImage();
        folder.run(image, ["cp", "machine.json", "notes.txt"]);
        return folder.pack(image, ["machine.json", "disk.img", "notes.txt"]);
      },
      /notes\.txt/,
    ],
    [
      "a machine that cannot be",
      () => folder.packImage(folder.makeImage({ machine: { version: 2, memory: "lots" } })),
      /machine\.json has 1 issue:\n {2}memory: /,
    ],
  ])("in an archive is told, and nothing enters the store: %s", async (_what, make, sentence) => {
    const path = make();
    const [run] = await Promise.all([
      boxcar.run(["run", "--json", "--image", path, "--", "true"]),
      expectMistake(["image", "import", path, "--tag", "bad"], sentence),
    ]);
    expect(run).toMatchObject({ exitCode: 2, result: { state: "exception", reason: "malformed-payload" } });
    expect(run.result.message).toMatch(sentence);
  });

  it.each([
    [["image", "inspect", "nope"], /there is no image "nope" here; "boxcar image list"/],
    [["image", "rm", "nope"], /there is no image "nope" here; "boxcar image list"/],
    [["image", "inspect", "Not A Name"], /"Not A Name" names no image/],
    [["image", "inspect", "../x"], /there is no file .*\/x$/m],
    [["image", "list", "--nope"], /unknown option '--nope'[\s\S]*boxcar [a-z ]*--help/],
    [["image", "nope"], /unknown command 'nope'[\s\S]*boxcar [a-z ]*--help/],
    [["image", "import"], /missing required argument 'archive'[\s\S]*boxcar [a-z ]*--help/],
    [["image", "list", "nope"], /too many arguments/],
    [["image", "pull", "nope"], /says no registry: write REGISTRY\/NAME, or add --from/],
    [["image", "pull", "nope", "--from", "nowhere"], /there is no registry at .*boxcar image push --to/],
    [["image", "push", "nope", "--to", "registry"], /there is no image "nope" here/],
    [["image", "gc", "--until", "much"], /--until: must say how much is to be free, such as "20 GiB free"/],
    [["image", "sign", "nope", "--key", "nowhere.pem"], /nowhere\.pem has 1 issue/],
    [["image", "build", "nope"], /there is none of that name; included are .*debian-minimal/],
    [["image"], /Usage: boxcar image/],
    [["--nope"], /unknown option '--nope'/],
    [["--config", "/nope", "image", "list"], /The configuration \/nope has 1 issue:\n.*there is no such file/],
    [["--config", "/", "image", "list"], /The configuration \/ has 1 issue:\n.*this is a folder/],
    [["--config", "/nope", "run", "--", "true"], /The configuration \/nope /],
    [["--config", "/nope", "doctor"], /The configuration \/nope /],
    [["run", "nope.yml"], /The task nope\.yml has 1 issue:\n.*there is no such file/],
    [["run", "--nope"], /unknown option '--nope'/],
    [["run"], /give a task file, or a command after --/],
  ])("is told in words: boxcar %j", async (args, sentence) => {
    await expectMistake(args, sentence);
  });

  it("in a name is told before the archive is read", async () => {
    await expectMistake(["image", "import", archive, "--tag", "Not A Name"], /"Not A Name" names no image/);
  });

  it("in the environment is told like one in a flag", async () => {
    await expectMistake(["image", "list"], /The configuration \/nope /, { BOXCAR_CONFIG: "/nope" });
  });

  it("in the name of a task's image is a malformed payload", async () => {
    const { exitCode, result } = await boxcar.run(["run", "--json", "--image", "nope", "--", "true"]);
    expect(exitCode).toBe(2);
    expect(result).toMatchObject({ reason: "malformed-payload", message: /there is no image "nope"/ });
  });
});

it("does not call it a bug when the host has no room for its images", async () => {
  const env = { BOXCAR_IMAGES_DIR: join(archive, "images") };
  const { exitCode, stderr } = await boxcar.run(["image", "list"], env);
  expect(exitCode).toBe(3);
  expect(stderr).toMatch(/^boxcar: ENOTDIR: .*$/);
  expect(stderr).toContain(basename(archive));
});
