/**
 * The audit log of one host: `audit.jsonl`, and `audit.1.jsonl` to `audit.9.jsonl` before it.
 *
 *     record → waiting lines → one append at a time → rotated when it is full
 *
 * Who records never waits. A disk that is full costs lines, not the worker: they are counted, and both its log and, as
 * soon as there is room, this one say how many. Several processes may append; only one, the worker, rotates.
 * *Owns* the lines that wait; disposal writes them.
 */
import { appendFile, mkdir, open, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../base/errors.ts";
import { type Logger, silentLogger } from "../base/log.ts";
import { ignoreMissing } from "../host/durable-file.ts";
import type { Audit, AuditEntry, AuditEvent, AuditReader } from "./audit.ts";
import { buildEntry, timeOfId, tryParseEntry } from "./audit-entry.ts";
import { linesBackward } from "./lines-backward.ts";

export interface AuditLogOptions {
  /** Absolute; made if it is not there. */
  directory: string;
  logger?: Logger;
  /** Default 16 MiB. */
  maxFileBytes?: number;
  /** With the one that is written; default 10. */
  maxFiles?: number;
  /** Default true; false for processes beside the worker. */
  rotates?: boolean;
  now?: () => Date;
}

const MAX_WAITING = 10_000;

export class AuditLog implements Audit, AuditReader, AsyncDisposable {
  readonly #options: Required<AuditLogOptions>;
  #waiting: string[] = [];
  #writing: Promise<void> | undefined;
  #lost = 0;
  /** The last append may have ended inside of a line. */
  #isTorn = false;

  private constructor(options: Required<AuditLogOptions>, isTorn: boolean) {
    this.#options = options;
    this.#isTorn = isTorn;
  }

  static async open({
    logger = silentLogger,
    maxFileBytes = 16 * 1_048_576,
    maxFiles = 10,
    rotates = true,
    now = () => new Date(),
    directory,
  }: AuditLogOptions): Promise<AuditLog> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const options = { directory, logger, maxFileBytes, maxFiles, rotates, now };
    return new AuditLog(options, await endsInsideLine(fileOf(directory, 0)));
  }

  record(event: AuditEvent): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.#lost++;
      return;
    }
    this.#waiting.push(JSON.stringify(buildEntry(event, this.#options.now())));
    this.#writing ??= this.#write();
  }

  async read({ limit, before }: { limit: number; before?: string }): Promise<AuditEntry[]> {
    await this.#writing;
    if (before === undefined) return await this.#take(limit, () => true);
    let isPast = false;
    const entries = await this.#take(limit, ({ id }) => {
      if (isPast) return true;
      isPast = id === before;
      return false;
    });
    if (isPast) return entries;
    // It was rotated away meanwhile.
    const beforeMs = timeOfId(before);
    return await this.#take(limit, ({ id }) => timeOfId(id) < beforeMs);
  }

  async #take(limit: number, isWanted: (entry: AuditEntry) => boolean): Promise<AuditEntry[]> {
    const entries: AuditEntry[] = [];
    for await (const line of this.#linesBackward()) {
      const entry = tryParseEntry(line);
      if (entry !== undefined && isWanted(entry)) entries.push(entry);
      if (entries.length >= limit) break;
    }
    return entries;
  }

  async *#linesBackward(): AsyncGenerator<string> {
    for (let age = 0; age < this.#options.maxFiles; age++) yield* linesBackward(fileOf(this.#options.directory, age));
  }

  async #write(): Promise<void> {
    // What comes at once is written at once.
    await null;
    while (this.#waiting.length > 0) {
      const lines = this.#waiting;
      this.#waiting = [];
      try {
        await this.#append(lines);
        this.#tellOfLost();
      } catch (error) {
        this.#isTorn = true;
        if (this.#lost === 0) {
          const message = `the audit log cannot be written: ${messageOf(error)}; what is done meanwhile is not recorded`;
          this.#options.logger.log("error", message, { directory: this.#options.directory });
        }
        this.#lost += lines.length;
      }
    }
    this.#writing = undefined;
  }

  async #append(lines: readonly string[]): Promise<void> {
    const path = fileOf(this.#options.directory, 0);
    const text = `${this.#isTorn ? "\n" : ""}${lines.join("\n")}\n`;
    await this.#rotate(path, Buffer.byteLength(text));
    await appendFile(path, text, { mode: 0o600 });
    this.#isTorn = false;
  }

  async #rotate(path: string, addedBytes: number): Promise<void> {
    const { directory, maxFileBytes, maxFiles, rotates } = this.#options;
    if (!rotates) return;
    const sizeBytes = (await stat(path).catch(ignoreMissing))?.size ?? 0;
    if (sizeBytes === 0 || sizeBytes + addedBytes <= maxFileBytes) return;
    for (let age = maxFiles - 2; age >= 0; age--) {
      await rename(fileOf(directory, age), fileOf(directory, age + 1)).catch(ignoreMissing);
    }
  }

  #tellOfLost(): void {
    if (this.#lost === 0) return;
    const lost = this.#lost;
    this.#lost = 0;
    this.#options.logger.log("warn", "the audit log can be written again", { lost });
    this.record({ principal: undefined, action: "audit.lost", outcome: "failed", details: { entries: lost } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writing;
  }
}

function fileOf(directory: string, age: number): string {
  return join(directory, age === 0 ? "audit.jsonl" : `audit.${age}.jsonl`);
}

async function endsInsideLine(path: string): Promise<boolean> {
  await using file = await open(path, "r").catch(ignoreMissing);
  if (file === undefined) return false;
  const { size } = await file.stat();
  if (size === 0) return false;
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer.toString() !== "\n";
}
