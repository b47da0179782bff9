/**
 * The inputs of one run: brought to the host before there is a machine, then put into its guest.
 *
 * *Owns* the open files of the cache, and the downloads that run.
 */
import type { FileHandle } from "node:fs/promises";
import { Readable } from "node:stream";
import pMap from "p-map";
import { formatBytes } from "../../base/units.ts";
import type { InputsSettings } from "../../config/features/inputs.ts";
import { type DownloadOptions, showUrl } from "../../http/download.ts";
import type { ActiveFeature, TaskMachine } from "../feature.ts";
import type { ParsedPayload } from "../payload.ts";
import { ByteBudget } from "./byte-budget.ts";
import { fetchInput } from "./fetch-input.ts";
import { InputCache } from "./input-cache.ts";
import { placeInput } from "./place-input.ts";
import { downloadNotes } from "./progress.ts";
import type { FetchedInput, InputRequest } from "./request.ts";

export interface InputsOptions {
  settings: InputsSettings;
  /** Of the cache; absolute. */
  directory: string;
  reserveBytes: number;
  note: (text: string) => void;
  signal: AbortSignal;
  /** How downloads are tried again. */
  download?: Pick<DownloadOptions, "maxAttempts" | "backOffMs" | "stallMs">;
}

const DOWNLOADS_AT_ONCE = 4;
const READ_BYTES = 256 * 1_024;

export class ActiveInputs implements ActiveFeature {
  readonly #requests: readonly InputRequest[];
  readonly #user: string | undefined;
  readonly #options: InputsOptions;
  readonly #failure = new AbortController();
  /** By digest. */
  readonly #files = new Map<string, FileHandle>();
  #preparation: Promise<void> | undefined;
  #downloads = 0;

  constructor({ inputs, user }: Pick<ParsedPayload, "inputs" | "user">, options: InputsOptions) {
    this.#requests = inputs;
    this.#user = user;
    this.#options = options;
  }

  prepare(): Promise<void> {
    this.#preparation = this.#fetchAll();
    return this.#preparation;
  }

  async #fetchAll(): Promise<void> {
    const fetched = this.#requests.filter((request) => request.kind === "fetched");
    const unique = [...Map.groupBy(fetched, ({ sha256 }) => sha256).values()].flatMap(([first]) => first ?? []);
    if (unique.length === 0) return;
    const { directory, settings } = this.#options;
    const cache = await InputCache.open(directory);
    const budget = new ByteBudget(settings.maxBytes);
    const signal = AbortSignal.any([this.#options.signal, this.#failure.signal]);
    const fetchOne = async (input: FetchedInput): Promise<void> => {
      try {
        this.#files.set(input.sha256, await this.#acquire(cache, input, budget, signal));
      } catch (error) {
        this.#failure.abort(error);
      }
    };
    await pMap(unique, fetchOne, { concurrency: DOWNLOADS_AT_ONCE });
    await cache.trim(settings.cacheBytes);
    this.#failure.signal.throwIfAborted();
  }

  async #acquire(cache: InputCache, input: FetchedInput, budget: ByteBudget, signal: AbortSignal): Promise<FileHandle> {
    signal.throwIfAborted();
    const { settings, reserveBytes, note, download } = this.#options;
    let isNew = false;
    const file = await cache.acquire(
      input.sha256,
      async (path) => {
        isNew = true;
        this.#downloads++;
        const onProgress = downloadNotes(showUrl(new URL(input.url)), note);
        const makeRoom = () => cache.trim(0);
        const { allow } = settings;
        await fetchInput(input, path, { allow, budget, reserveBytes, makeRoom, onProgress, download, signal });
      },
      signal,
    );
    try {
      if (!isNew) budget.spend((await file.stat()).size, `the input for ${input.path}`);
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async furnish({ guest }: Pick<TaskMachine, "guest">): Promise<void> {
    let totalBytes = 0;
    for (const request of this.#requests) {
      const content = await this.#contentOf(request);
      const { path, mode, user = this.#user } = request;
      const extract = request.kind === "fetched" && request.extract;
      await placeInput(guest, { path, mode, user, extract, ...content }, this.#options.signal);
      totalBytes += content.sizeBytes;
    }
    const count = this.#requests.length === 1 ? "1 input is" : `${this.#requests.length} inputs are`;
    this.#options.note(`${count} in place: ${formatBytes(totalBytes)}, ${this.#downloads} downloaded`);
  }

  async #contentOf(request: InputRequest) {
    if (request.kind === "inline") {
      const content = Buffer.from(request.content);
      return { content, sizeBytes: content.length };
    }
    const file = this.#files.get(request.sha256);
    if (file === undefined) throw new Error(`the input ${request.path} was not prepared`);
    return { content: Readable.from(contentOf(file), { objectMode: false }), sizeBytes: (await file.stat()).size };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#failure.abort(new Error("the run is over"));
    await this.#preparation?.catch(() => {});
    const files = [...this.#files.values()];
    this.#files.clear();
    await Promise.all(files.map((file) => file.close()));
  }
}

/** A stream of Node's would close the file, which may be wanted again. */
async function* contentOf(file: FileHandle): AsyncGenerator<Buffer> {
  for (let position = 0; ; ) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
