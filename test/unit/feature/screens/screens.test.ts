import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DirectoryStore } from "../../../../src/artifact/directory-store.ts";
import type { ArtifactSink } from "../../../../src/feature/artifacts/store-artifact.ts";
import { FrameStore, type Screen } from "../../../../src/feature/screens/frame-store.ts";
import { Screens } from "../../../../src/feature/screens/screens.ts";
import { QmpClosedError, QmpCommandError } from "../../../../src/qmp/errors.ts";
import { picture } from "./pictures.ts";
import { readApng } from "./read-apng.ts";

const [RED, GREEN] = [picture(8, 6, [255, 0, 0]), picture(8, 6, [0, 255, 0])];

let directory: string;
let notes: string[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "boxcar-screens-"));
  notes = [];
});

afterEach(async () => {
  expect(await readdir(join(directory, "machines")).catch(() => [])).toEqual([]);
  await rm(directory, { recursive: true });
});

/** Shows these pictures one after the other, and the last for ever. */
class FakeScreen implements Screen {
  readonly seen: Promise<void>;
  readonly #seen = Promise.withResolvers<void>();
  readonly #pictures: Buffer[];

  constructor(...pictures: readonly Buffer[]) {
    this.#pictures = [...pictures];
    this.seen = this.#seen.promise;
  }

  async screenshot(file: string): Promise<void> {
    const [shown = RED] = this.#pictures;
    if (this.#pictures.length > 1) this.#pictures.shift();
    else this.#seen.resolve();
    await writeFile(file, shown);
  }
}

function refusing(error: Error): Screen {
  return { screenshot: () => Promise.reject(error) };
}

interface Wish {
  everyMs?: number;
  videoMs?: number;
  format?: "png" | "jpeg";
  sink?: ArtifactSink;
  signal?: AbortSignal;
}

function open({ everyMs, videoMs, format = "png", sink, signal }: Wish): Screens {
  return new Screens({
    request: {
      screenshots: { everyMs, onFailure: true, format },
      video: videoMs === undefined ? undefined : { everyMs: videoMs },
    },
    sink: sink ?? new DirectoryStore(directory),
    parent: join(directory, "machines"),
    note: (text) => notes.push(text),
    signal: signal ?? new AbortController().signal,
  });
}

const stored = (name: string) => readFile(join(directory, "public/screens", name));

describe("the screens of a run", () => {
  it("are stored once each, with an index of when which was seen, and a video", async () => {
    const screen = new FakeScreen(RED, GREEN, RED, GREEN);
    await using screens = open({ everyMs: 1, videoMs: 1 });
    await expect(screens.during(screen, () => screen.seen.then(() => "the end"))).resolves.toBe("the end");
    await screens.finish();
    const index = JSON.parse(String(await stored("index.json"))) as { time: string; file: string }[];
    const [first = "", second = ""] = index.map(({ file }) => file);
    expect(index.map(({ file }) => file).slice(0, 4)).toEqual([first, second, first, second]);
    expect(first).toBe(`${index[0]?.time.replaceAll(":", "-")}.png`);
    expect(await stored(first)).toEqual(RED);
    expect(await stored(second)).toEqual(GREEN);
    expect(readApng(await stored("video.apng")).frames).toHaveLength(4);
    expect(screens.records.map(({ name }) => name)).toEqual(
      [first, second, "index.json", "video.apng"].map((name) => `public/screens/${name}`),
    );
    expect(screens.records.at(-1)).toMatchObject({ contentType: "image/apng", sha256: /^[0-9a-f]{64}$/ });
    expect(notes).toEqual([]);
  });

  it("are one at the beginning and one at the end of a run that is shorter than the interval", async () => {
    const screen = new FakeScreen(RED, GREEN);
    const begun = Promise.withResolvers<void>();
    const watched = { screenshot: (file: string) => screen.screenshot(file).then(begun.resolve) };
    await using screens = open({ everyMs: 3_600_000 });
    await screens.during(watched, () => begun.promise);
    expect(screens.records).toHaveLength(2);
  });

  it("are JPEGs for who wants them, that of a failure too", async () => {
    const screen = new FakeScreen(RED);
    await using screens = open({ everyMs: 1, format: "jpeg" });
    await screens.during(screen, () => screen.seen);
    await writeFile(join(directory, "failure.png"), GREEN);
    await screens.keepFailure(join(directory, "failure.png"));
    for (const record of screens.records) {
      expect(record).toMatchObject({ name: /\.jpg$/, contentType: "image/jpeg" });
      const facts = await sharp(join(directory, record.name)).metadata();
      expect(facts).toMatchObject({ format: "jpeg", width: 8, height: 6 });
    }
    expect(screens.records.at(-1)?.name).toBe("public/screens/failure.jpg");
  });

  it("are not taken into memory where they are too large, that of a failure neither", async () => {
    await using screens = open({});
    await writeFile(join(directory, "failure.png"), picture(5_000, 1, [255, 0, 0]));
    await screens.keepFailure(join(directory, "failure.png"));
    expect(screens.records).toEqual([]);
    expect(notes).toEqual([expect.stringContaining("5000 × 1, is too large")]);
  });

  it("are none where nobody asked for them", async () => {
    await using screens = open({});
    await screens.during(refusing(new Error("asked")), async () => {});
    await screens.finish();
    expect([screens.records, notes]).toEqual([[], []]);
  });

  it("are a note, and no failure, where the machine has no graphics", async () => {
    await using screens = open({ everyMs: 1, videoMs: 1 });
    const none = refusing(new QmpCommandError("screendump", "GenericError", "no console"));
    await expect(screens.during(none, async () => 7)).resolves.toBe(7);
    await screens.finish();
    expect(screens.records).toEqual([]);
    expect(notes).toEqual(["pictures of the screen: QEMU refused screendump: no console"]);
  });

  it("end quietly with their machine", async () => {
    await using screens = open({ everyMs: 1 });
    const gone = new Error("the machine is gone");
    const run = screens.during(refusing(new QmpClosedError("closed")), () => Promise.reject(gone));
    await expect(run).rejects.toBe(gone);
    expect(notes).toEqual([]);
  });

  it("are a note where they cannot be stored", async () => {
    const sink = { put: () => Promise.reject(Object.assign(new Error("no space left on device"), { code: "ENOSPC" })) };
    await using screens = open({ everyMs: 1, videoMs: 1, sink });
    await screens.during(new FakeScreen(RED), async () => {});
    await screens.finish();
    expect(notes).toEqual(Array(2).fill("pictures of the screen: no space left on device"));
  });

  it("do not hold up who cancels, also where the machine hangs", async () => {
    const cancel = new AbortController();
    const hanging = Promise.withResolvers<void>();
    const screens = open({ everyMs: 1, signal: cancel.signal });
    const called = Promise.withResolvers<void>();
    const screen = {
      screenshot: () => {
        called.resolve();
        return hanging.promise;
      },
    };
    await screens.during(screen, () => called.promise.then(() => cancel.abort()));
    hanging.reject(new QmpClosedError("closed"));
    await screens.finish();
    await screens[Symbol.asyncDispose]();
    expect([screens.records, notes]).toEqual([[], []]);
  });
});

describe("the store of frames", () => {
  it("takes no picture that might not fit on the disk", async () => {
    await using frames = await FrameStore.open(join(directory, "machines"), Number.MAX_SAFE_INTEGER);
    await expect(frames.take(refusing(new Error("asked")))).rejects.toMatchObject({ code: "disk-space-low" });
  });

  it("gives the same frame for the same picture, with its size", async () => {
    await using frames = await FrameStore.open(join(directory, "machines"), 0);
    const screen = new FakeScreen(RED, GREEN, RED);
    const [one, two, three] = [await frames.take(screen), await frames.take(screen), await frames.take(screen)];
    expect(one).toMatchObject({ width: 8, height: 6, sizeBytes: RED.length });
    expect(two).not.toBe(one);
    expect(three).toBe(one);
  });

  it("refuses what is no whole picture", async () => {
    await using frames = await FrameStore.open(join(directory, "machines"), 0);
    await expect(frames.take(new FakeScreen(RED.subarray(0, 20)))).rejects.toThrow("not whole");
  });
});
