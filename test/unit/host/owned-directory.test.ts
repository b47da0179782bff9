import { chmod, chown, lstat, mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { OwnedDirectory, reclaimDirectories } from "../../../src/host/owned-directory.ts";

let base: string;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "boxcar-owned-"));
});

afterEach(() => rm(base, { recursive: true }));

const REFUSAL = { code: "directory-not-private", blame: "host" };

describe("an owned directory", () => {
  it("is made with its parents, for its owner's eyes only, and goes with its disposal", async () => {
    const parent = join(base, "run/m");
    {
      await using directory = await OwnedDirectory.create(parent);
      for (const path of [join(base, "run"), parent, directory.path]) {
        expect((await lstat(path)).mode & 0o777).toBe(0o700);
      }
    }
    expect(await readdir(parent)).toEqual([]);
  });

  it("is not made where others may write", async () => {
    await chmod(base, 0o770);
    const error = await OwnedDirectory.create(base).catch((error: unknown) => error);
    expect(error).toMatchObject({ ...REFUSAL, message: expect.stringContaining(`chmod go-w ${base}`) });
    await mkdir(join(base, "1-1-0"));
    await expect(reclaimDirectories(base)).rejects.toMatchObject(REFUSAL);
  });

  it("is not made behind a link, which may soon point elsewhere", async () => {
    await mkdir(join(base, "real"));
    await symlink("real", join(base, "link"));
    await expect(OwnedDirectory.create(join(base, "link"))).rejects.toMatchObject(REFUSAL);
  });

  it("is not made below what somebody else put into a folder for everybody", async () => {
    await chmod(base, 0o1777);
    await mkdir(join(base, "boxcar-1000"));
    await chmod(join(base, "boxcar-1000"), 0o777);
    const create = () => OwnedDirectory.create(join(base, "boxcar-1000/m"));
    await expect(create()).rejects.toMatchObject({
      ...REFUSAL,
      message: expect.stringContaining("boxcar-1000 can be changed"),
    });
    await chmod(join(base, "boxcar-1000"), 0o755);
    await expect(create().then((directory) => directory[Symbol.asyncDispose]())).resolves.toBeUndefined();
  });

  it.skipIf(process.getuid?.() !== 0)(
    "is not made in a folder of another user (needs root to give one away)",
    async () => {
      await chown(base, 65_534, 65_534);
      await expect(OwnedDirectory.create(base)).rejects.toMatchObject(REFUSAL);
    },
  );
});
