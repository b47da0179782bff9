/**
 * Answers of one upstream in a folder of bounded size: `<key>.json` says what is in `<key>.<id>.body`.
 *
 * Several processes may use one folder at once and be killed at any point. The file with the headers comes last and by
 * renaming, so what can be found is whole; what is written is in a folder that its owner's successors remove. Those
 * used longest ago go first.
 */
import { mkdir, open, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import pMap from "p-map";
import { ignoreMissing } from "../../../host/durable-file.ts";
import { OwnedDirectory, reclaimDirectories } from "../../../host/owned-directory.ts";
import { isKeptPolicy, type KeptPolicy } from "./freshness.ts";
import { GrowingFile } from "./growing-file.ts";
import { type Listed, planEviction } from "./plan-eviction.ts";

export interface KeptAnswer {
  readonly key: string;
  /** Of the file with the body. */
  readonly id: string;
  readonly bytes: number;
  readonly policy: KeptPolicy;
}

/** Layout of the files; others are not looked at. */
const VERSION = "v1";
const MAX_ENTRIES = 100_000;
/** How old the note of the last use may be before it is worth a write. */
const TOUCH_MS = 60_000;

export class AnswerFolder implements AsyncDisposable {
  readonly #path: string;
  readonly #parts: OwnedDirectory;
  readonly #maxBytes: number;
  /** As of the last look, and what was added since. */
  #keptBytes = 0;
  #keptCount = 0;
  #reservedBytes = 0;
  #trimming: Promise<void> | undefined;

  private constructor(path: string, parts: OwnedDirectory, maxBytes: number) {
    this.#path = path;
    this.#parts = parts;
    this.#maxBytes = maxBytes;
  }

  /** @param directory Made if it is not there. */
  static async open(directory: string, maxBytes: number): Promise<AnswerFolder> {
    const path = join(directory, VERSION);
    await mkdir(path, { recursive: true, mode: 0o700 });
    await reclaimDirectories(join(directory, "parts"));
    const folder = new AnswerFolder(path, await OwnedDirectory.create(join(directory, "parts")), maxBytes);
    await folder.#trim(0);
    return folder;
  }

  /** The most that one answer may have; larger ones would push all others out. */
  get maxAnswerBytes(): number {
    return Math.floor(this.#maxBytes / 2);
  }

  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** Whatever is wrong with one, it counts as not there. */
  async find(key: string): Promise<KeptAnswer | undefined> {
    const file = this.#headFile(key);
    const kept = await readFile(file, "utf8")
      .then(
        (text) => tryParseKept(JSON.parse(text), key),
        () => undefined,
      )
      .catch(() => undefined);
    if (kept === undefined) return undefined;
    await noteUse(file);
    return kept;
  }

  /** Its body; undefined if it is gone meanwhile. */
  async open(kept: KeptAnswer): Promise<Readable | undefined> {
    const handle = await open(this.#bodyFile(kept.key, kept.id), "r").catch(ignoreMissing);
    if (handle === undefined) return undefined;
    if ((await handle.stat()).size === kept.bytes) return handle.createReadStream({ highWaterMark: 256 * 1_024 });
    await handle.close();
    await this.remove(kept);
    return undefined;
  }

  /** Makes room for an answer that comes; false: there is none. Give back what {@link AnswerFolder.keep} does not take. */
  async reserve(bytes: number): Promise<boolean> {
    if (this.#reservedBytes + bytes > this.#maxBytes) return false;
    this.#reservedBytes += bytes;
    if (this.#isFull()) await this.#trim(this.#reservedBytes);
    return true;
  }

  release(bytes: number): void {
    this.#reservedBytes -= bytes;
  }

  /** For the body of an answer, which is not found until it is kept. */
  async create(id: string, onReaders: (count: number) => void): Promise<GrowingFile> {
    return await GrowingFile.create(join(this.#parts.path, id), onReaders);
  }

  async discard(id: string): Promise<void> {
    await rm(join(this.#parts.path, id), { force: true });
  }

  /** Shows an answer whose body is whole, in the place of any other of its key. */
  async keep(kept: KeptAnswer): Promise<void> {
    const before = await this.find(kept.key);
    await rename(join(this.#parts.path, kept.id), this.#bodyFile(kept.key, kept.id));
    await this.#writeHead(kept);
    if (before !== undefined && before.id !== kept.id) await this.#removeBody(before);
    this.#keptBytes += kept.bytes;
    this.#keptCount += 1;
  }

  /** New headers of an answer whose body stays. */
  async refresh(kept: KeptAnswer): Promise<void> {
    await this.#writeHead(kept);
  }

  async remove(kept: KeptAnswer): Promise<void> {
    const current = await this.find(kept.key);
    if (current?.id === kept.id) await rm(this.#headFile(kept.key), { force: true });
    await this.#removeBody(kept);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#trimming;
    await this.#parts[Symbol.asyncDispose]();
  }

  #isFull(): boolean {
    return this.#keptBytes + this.#reservedBytes > this.#maxBytes || this.#keptCount > MAX_ENTRIES;
  }

  async #writeHead(kept: KeptAnswer): Promise<void> {
    const part = join(this.#parts.path, `${kept.id}-${crypto.randomUUID()}.json`);
    await writeFile(part, JSON.stringify(kept), { mode: 0o600 });
    await rename(part, this.#headFile(kept.key));
  }

  async #removeBody({ key, id, bytes }: KeptAnswer): Promise<void> {
    await rm(this.#bodyFile(key, id), { force: true });
    this.#keptBytes = Math.max(0, this.#keptBytes - bytes);
    this.#keptCount = Math.max(0, this.#keptCount - 1);
  }

  /** One look at a time; who comes while one is going on needs another after it. */
  async #trim(neededBytes: number): Promise<void> {
    while (this.#trimming !== undefined) {
      await this.#trimming;
      if (!this.#isFull()) return;
    }
    this.#trimming = this.#evict(neededBytes).finally(() => {
      this.#trimming = undefined;
    });
    await this.#trimming;
  }

  async #evict(neededBytes: number): Promise<void> {
    const listed = await this.#list();
    const limits = { maxBytes: this.#maxBytes - neededBytes, maxCount: MAX_ENTRIES };
    const { remove, keptBytes, keptCount } = planEviction(listed, limits, Date.now());
    for (const name of remove) await rm(join(this.#path, name), { force: true });
    this.#keptBytes = keptBytes;
    this.#keptCount = keptCount;
  }

  async #list(): Promise<Listed[]> {
    const look = async (name: string): Promise<Listed[]> => {
      const found = await stat(join(this.#path, name)).catch(ignoreMissing);
      return found === undefined ? [] : [{ name, bytes: found.size, usedMs: found.mtimeMs }];
    };
    return (await pMap(await readdir(this.#path), look, { concurrency: 32 })).flat();
  }

  #headFile(key: string): string {
    return join(this.#path, `${key}.json`);
  }

  #bodyFile(key: string, id: string): string {
    return join(this.#path, `${key}.${id}.body`);
  }
}

/** A file that a disk or a person has changed, or another version has written, must not break what reads it. */
function tryParseKept(head: unknown, key: string): KeptAnswer | undefined {
  if (typeof head !== "object" || head === null) return undefined;
  const { key: ownKey, id, bytes, policy } = head as Readonly<Record<string, unknown>>;
  if (ownKey !== key || typeof id !== "string" || !/^[0-9a-f-]{36}$/.test(id)) return undefined;
  if (typeof bytes !== "number" || !isKeptPolicy(policy)) return undefined;
  return { key, id, bytes, policy };
}

async function noteUse(file: string): Promise<void> {
  const found = await stat(file).catch(ignoreMissing);
  const now = Date.now();
  if (found !== undefined && now - found.mtimeMs > TOUCH_MS) {
    await utimes(file, now / 1_000, now / 1_000).catch(ignoreMissing);
  }
}
