/**
 * Pictures of a machine's screen, and a video of them, as artifacts of its task.
 *
 *     during(): a picture at once, at intervals, and at the end ──▶ finish(): index and video ──▶ disposed
 *
 * Nothing of it fails a task: what cannot be had is noted, and a machine that is gone is no news. *Owns* its timer and
 * a folder of frames; *borrows* the machine and the store of the artifacts.
 */
import { posix } from "node:path";
import { Readable } from "node:stream";
import { setTimeout as after } from "node:timers/promises";
import { orAborted } from "../../base/abort.ts";
import { codeOf, messageOf } from "../../base/errors.ts";
import { type ArtifactRecord, guessContentType, type StoredArtifact } from "../artifacts/record.ts";
import type { ArtifactSink } from "../artifacts/store-artifact.ts";
import { encodeApng } from "./apng.ts";
import { FrameStore, readPicture, type Screen } from "./frame-store.ts";
import { buildIndex, SCREENS_FOLDER, SCREENS_INDEX, type ScreensSource, type TakenPicture } from "./pictures.ts";
import type { ScreensRequest } from "./request.ts";
import { type Frame, Series, type Shot, timeAsName, videoFrames } from "./series.ts";

export interface ScreensOptions {
  request: ScreensRequest;
  sink: ArtifactSink;
  /** Of the folder of frames; private. */
  parent: string;
  note: (text: string) => void;
  signal: AbortSignal;
}

export class Screens implements AsyncDisposable, ScreensSource {
  readonly #options: ScreensOptions;
  readonly #pictures: Series | undefined;
  readonly #video: Series | undefined;
  readonly #series: readonly Series[];
  readonly #records: ArtifactRecord[] = [];
  /** Of the frames that are artifacts. */
  readonly #stored = new Map<Frame, StoredArtifact>();
  #frames: FrameStore | undefined;
  #recording: Promise<void> = Promise.resolve();
  #endMs = 0;

  constructor(options: ScreensOptions) {
    this.#options = options;
    const { screenshots, video } = options.request;
    this.#pictures = screenshots.everyMs === undefined ? undefined : new Series(screenshots.everyMs);
    this.#video = video === undefined ? undefined : new Series(video.everyMs);
    this.#series = [this.#pictures, this.#video].filter((series) => series !== undefined);
  }

  /** What has been stored so far. */
  get records(): readonly ArtifactRecord[] {
    return this.#records;
  }

  get pictures(): readonly TakenPicture[] {
    return (this.#pictures?.shots ?? []).flatMap(({ atMs, frame }) => {
      const artifact = this.#stored.get(frame);
      if (artifact === undefined) return [];
      return [{ time: new Date(atMs).toISOString(), name: posix.basename(artifact.name), artifact }];
    });
  }

  /** Takes pictures while `step` runs, and settles like it. */
  async during<T>(screen: Screen, step: () => Promise<T>): Promise<T> {
    const stop = new AbortController();
    const { signal } = this.#options;
    this.#recording = this.#record(screen, AbortSignal.any([stop.signal, signal]));
    try {
      return await step();
    } finally {
      stop.abort();
      this.#endMs = currentMs();
      // Who cancels does not wait for a machine that may hang: finish() waits, when it is gone.
      await orAborted(this.#recording, signal).catch(() => {});
    }
  }

  /** Keeps the picture of a failure, a PNG, as an artifact too. */
  async keepFailure(file: string): Promise<void> {
    await this.#attempt(() => this.#putPicture("failure", file));
  }

  /** Stores the index and the video, when the machine is gone; nothing in a run that was cancelled. */
  async finish(): Promise<void> {
    await this.#recording;
    if (this.#options.signal.aborted) return;
    const { pictures } = this;
    if (pictures.length > 0) {
      const text = buildIndex(pictures);
      await this.#attempt(() => this.#put(posix.basename(SCREENS_INDEX), Readable.from([Buffer.from(text)])));
    }
    const frames = videoFrames(this.#video?.shots ?? [], this.#endMs);
    if (frames.length > 0) await this.#attempt(() => this.#put("video.apng", Readable.from(encodeApng(frames))));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#recording;
    await this.#attempt(async () => this.#frames?.[Symbol.asyncDispose]());
  }

  /** Never rejects. */
  async #record(screen: Screen, stop: AbortSignal): Promise<void> {
    if (this.#series.length === 0) return;
    await this.#attempt(async () => {
      this.#frames ??= await FrameStore.open(this.#options.parent);
      while (!stop.aborted) {
        await this.#shoot(screen, this.#frames, (series) => series.nextMs <= currentMs());
        const nextMs = Math.min(...this.#series.map((series) => series.nextMs));
        if (nextMs === Number.POSITIVE_INFINITY) return;
        await after(Math.max(0, nextMs - currentMs()), undefined, { signal: stop }).catch(() => {});
      }
      if (!this.#options.signal.aborted) await this.#shoot(screen, this.#frames, (series) => !series.full);
    });
  }

  /** Takes one picture for all series that want it. */
  async #shoot(screen: Screen, frames: FrameStore, wants: (series: Series) => boolean): Promise<void> {
    const wanting = this.#series.filter(wants);
    if (wanting.length === 0) return;
    const shot = { atMs: currentMs(), frame: await frames.take(screen) };
    for (const series of wanting) {
      series.add(shot);
      if (series.full) this.#options.note(`no more pictures of the screen after ${series.shots.length}, the limit`);
    }
    if (wanting.some((series) => series === this.#pictures)) await this.#keepShot(shot);
  }

  /** A picture that is there already is not stored again: a cursor that blinks makes two. */
  async #keepShot({ atMs, frame }: Shot): Promise<void> {
    if (this.#stored.has(frame)) return;
    this.#stored.set(frame, await this.#putPicture(timeAsName(atMs), frame.file));
  }

  async #putPicture(base: string, file: string): Promise<StoredArtifact> {
    const { png: bytes } = await readPicture(file);
    if (this.#options.request.screenshots.format === "png") return this.#put(`${base}.png`, Readable.from([bytes]));
    // It takes a while to load, and few ask for it.
    const { default: sharp } = await import("sharp");
    const jpeg = await sharp(bytes).jpeg({ quality: 85, chromaSubsampling: "4:4:4" }).toBuffer();
    return this.#put(`${base}.jpg`, Readable.from([jpeg]));
  }

  /** @param name In the folder. */
  async #put(name: string, content: Readable): Promise<StoredArtifact> {
    const stored = await this.#options.sink.put(`${SCREENS_FOLDER}/${name}`, content, this.#options.signal);
    const record = { ...stored, contentType: guessContentType(name) };
    this.#records.push(record);
    return record;
  }

  async #attempt(step: () => Promise<unknown>): Promise<void> {
    try {
      await step();
    } catch (error) {
      if (this.#options.signal.aborted || codeOf(error) === "qmp-closed") return;
      this.#options.note(`pictures of the screen: ${messageOf(error)}`);
    }
  }
}

/** Since 1970, by a clock that only goes forward. */
function currentMs(): number {
  return performance.timeOrigin + performance.now();
}
