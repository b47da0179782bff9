import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { PNG } from "pngjs";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readApng } from "../unit/feature/screens/read-apng.ts";
import { Boxcar, finish, untilCreated } from "./boxcar.ts";

let boxcar: Boxcar;

beforeAll(async () => {
  boxcar = await Boxcar.open();
});

afterAll(async () => {
  expect(await boxcar.leftovers()).toEqual([]);
  await boxcar[Symbol.asyncDispose]();
});

/** Writes ten lines more to the screen each 1.5 seconds. */
const WRITING = `for i in 1 2 3; do
  for line in 1 2 3 4 5 6 7 8 9 10; do head -c 150 /dev/zero | tr '\\0' '#'; echo; done > /dev/tty0
  sleep 1.5
done`;

const sh = (script: string) => ["sh", "-c", script];

function litPixels(png: PNG): number {
  return png.data.filter((value, index) => index % 4 === 1 && value > 64).length;
}

describe("a task that asks for its screen", () => {
  it("gets pictures at intervals, an index of them and a video", async () => {
    const { exitCode, result, output } = await boxcar.runTask({
      command: sh(WRITING),
      screenshots: { every: "1 second" },
      video: true,
    });
    expect(exitCode).toBe(0);
    const folder = join(output, "artifacts/public/screens");
    const index = JSON.parse(await readFile(join(folder, "index.json"), "utf8")) as { time: string; file: string }[];
    expect(index.length).toBeGreaterThanOrEqual(4);
    expect(index.map(({ time }) => time)).toEqual(index.map(({ time }) => time).sort());
    const pictures = new Map<string, PNG>();
    for (const { file } of index) pictures.set(file, PNG.sync.read(await readFile(join(folder, file))));
    for (const { width, height } of pictures.values()) expect([width, height]).toEqual([1_280, 800]);
    const lit = index.map(({ file }) => litPixels(pictures.get(file) as PNG));
    // Far more than a cursor that blinks.
    expect(lit.at(-1)).toBeGreaterThan((lit[0] as number) + 50_000);

    const { still, frames } = readApng(await readFile(join(folder, "video.apng")));
    expect([still.width, still.height]).toEqual([1_280, 800]);
    expect(frames.length).toBeGreaterThanOrEqual(2);
    expect(litPixels((frames.at(-1) as (typeof frames)[0]).image)).toBe(lit.at(-1));

    const names = ["index.json", "video.apng", ...pictures.keys()].sort();
    expect((await readdir(folder)).sort()).toEqual(names);
    expect(result.artifacts.map(({ name }) => name).sort()).toEqual(names.map((name) => `public/screens/${name}`));
  });

  it("gets JPEGs, also when it is ended after its maxRunTime", async () => {
    const { result, output } = await boxcar.runTask({
      command: ["sleep", "60"],
      maxRunTime: 2,
      screenshots: { every: 1, format: "jpeg" },
    });
    expect(result.reason).toBe("max-run-time-exceeded");
    const names = result.artifacts.map(({ name }) => name).filter((name) => name.endsWith(".jpg"));
    expect(names).toContain("public/screens/failure.jpg");
    expect(names.length).toBeGreaterThanOrEqual(2);
    for (const name of names) {
      const facts = await sharp(join(output, "artifacts", name)).metadata();
      expect(facts).toMatchObject({ format: "jpeg", width: 1_280, height: 800 });
    }
    expect(PNG.sync.read(await readFile(join(output, "failure.png"))).width).toBe(1_280);
  });

  it("keeps what it has when its machine ends first, without a word about it", async () => {
    const { result, stderr } = await boxcar.runTask({
      command: sh("sleep 1; /sbin/poweroff"),
      screenshots: { every: 1 },
    });
    expect(result).toMatchObject({ state: "failed", reason: "guest-shutdown" });
    expect(result.artifacts.at(-1)?.name).toBe("public/screens/index.json");
    expect(result.artifacts.length).toBeGreaterThanOrEqual(2);
    expect(stderr).not.toContain("pictures of the screen");
  });

  it("runs although its machine has no graphics, and is told so", async () => {
    const { exitCode, result, stderr } = await boxcar.runTask({
      command: ["true"],
      machine: { memory: 256, cores: 1, graphics: "none" },
      screenshots: { every: 1 },
      video: true,
    });
    expect(exitCode).toBe(0);
    expect(result.artifacts).toEqual([]);
    expect(stderr.match(/pictures of the screen: .*screendump/g)).toHaveLength(1);
  });

  it("runs although the disk of the host is nearly full, and is told so", async () => {
    const state = join(boxcar.directory, "small");
    await mkdir(state);
    await execa("mount", ["-t", "tmpfs", "-o", "size=60m", "none", state]);
    try {
      const payload = { command: ["true"], screenshots: { every: 1 } };
      const { child } = await boxcar.startTask(payload, [], { BOXCAR_STATE_DIR: state });
      const { exitCode, stderr } = await finish(child);
      expect(exitCode).toBe(0);
      expect(stderr).toMatch(/pictures of the screen: only .* are free/);
    } finally {
      await execa("umount", [state]);
    }
  });

  it("keeps the pictures it has when it is cancelled, and leaves nothing else", async () => {
    const { child, output } = await boxcar.startTask({
      command: ["sleep", "60"],
      screenshots: { every: 1 },
      video: true,
    });
    await untilCreated(child, boxcar.directory, /^\d+\/artifacts\/public\/screens\/.*\.png$/);
    child.kill("SIGINT");
    const { exitCode, result, stderr } = await finish(child);
    expect(exitCode).toBe(130);
    expect(result).toMatchObject({ state: "exception", reason: "canceled" });
    expect(stderr).not.toContain("pictures of the screen");
    const names = result.artifacts.map(({ name }) => name);
    expect(
      (await readdir(join(output, "artifacts/public/screens"))).map((name) => `public/screens/${name}`).sort(),
    ).toEqual(names.sort());
    expect(await boxcar.leftovers()).toEqual([]);
  });

  it("gets no picture of a failure where it does not want one", async () => {
    const { result, output } = await boxcar.runTask({ command: ["false"], screenshots: { onFailure: false } });
    expect(result).toMatchObject({ state: "failed", artifacts: [] });
    expect(await readdir(output)).not.toContain("failure.png");
  });
});
