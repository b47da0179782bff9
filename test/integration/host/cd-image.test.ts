import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";
import { makeCdImage } from "../../../src/host/cd-image.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "bx-cd-"));
});
afterAll(() => rm(directory, { recursive: true }));

it("makes a CD on which files have the names and contents they were given", async () => {
  const files = { "user-data": "#!/bin/sh\n", "meta-data": "{}\n", "vendor-data": "" };
  const file = join(directory, "cd.iso");
  await makeCdImage({ file, label: "CIDATA", files, workDirectory: join(directory, "files") });
  // ISO 9660: the label is in the first volume descriptor.
  const image = await readFile(file);
  expect(image.toString("latin1", 0x8001, 0x8006)).toBe("CD001");
  expect(image.toString("latin1", 0x8028, 0x8048).trim()).toBe("CIDATA");
  for (const extension of ["-R", "-J"]) {
    const { stdout } = await execa("isoinfo", ["-i", file, extension, "-f"]);
    expect(stdout.split("\n").sort()).toEqual(["/meta-data", "/user-data", "/vendor-data"]);
    for (const [name, content] of Object.entries(files)) {
      const read = await execa("isoinfo", ["-i", file, extension, "-x", `/${name}`], { stripFinalNewline: false });
      expect(read.stdout).toBe(content);
    }
  }
});

it("does not take a folder for its own that is somebody else's", async () => {
  const options = { file: join(directory, "other.iso"), label: "CIDATA", files: {}, workDirectory: directory };
  await expect(makeCdImage(options)).rejects.toMatchObject({ code: "EEXIST" });
});
