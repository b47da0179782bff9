/**
 * Asks boxcar-inspect what is on disks, and believes it as far as it can be.
 *
 *   open: the disks are listed ──▶ listings, sameContents, readFile ──▶ disposed
 *
 * *Owns* the program in the guest; *borrows* the machine.
 */
import { orAborted } from "../../base/abort.ts";
import { Scope } from "../../base/scope.ts";
import type { FilePair } from "./compare-files.ts";
import { InspectionError } from "./errors.ts";
import { GuestPipe } from "./guest-pipe.ts";
import type { InspectingMachine } from "./inspecting-machine.ts";
import { type DiskListing, ListingBuilder } from "./listing.ts";
import { RecordReader } from "./record-reader.ts";
import { MAX_RECORD_BYTES, parseRecord } from "./records.ts";

export interface InspectOptions {
  /** How many disks the machine has. */
  readonly disks: number;
  /** Of each disk; 0: nothing is listed. */
  readonly maxEntries: number;
  readonly signal: AbortSignal;
}

/** Of all that is told of both. */
const MAX_BYTES = 512 * 1_048_576;
const REQUESTS_AT_ONCE = 256;
const MAX_REASON = 200;

export class DiskInspector implements AsyncDisposable {
  readonly listings: readonly DiskListing[];
  readonly #pipe: GuestPipe;
  readonly #reader: RecordReader;
  readonly #signal: AbortSignal;
  readonly #scope: Scope;

  private constructor(
    listings: readonly DiskListing[],
    { pipe, reader, signal }: { pipe: GuestPipe; reader: RecordReader; signal: AbortSignal },
    scope: Scope,
  ) {
    this.listings = listings;
    this.#pipe = pipe;
    this.#reader = reader;
    this.#signal = signal;
    this.#scope = scope;
  }

  /** @throws {InspectionError}, {GuestError}, `signal.reason` */
  static async open(machine: Pick<InspectingMachine, "open">, options: InspectOptions): Promise<DiskInspector> {
    const { disks, maxEntries, signal } = options;
    await using scope = new Scope();
    const pipe = new GuestPipe(scope.use(await machine.open(maxEntries, signal)));
    const reader = new RecordReader(pipe.output(), { maxRecordBytes: MAX_RECORD_BYTES, maxBytes: MAX_BYTES });
    const listings: DiskListing[] = [];
    for (let disk = 0; disk < disks; disk++) {
      const builder = new ListingBuilder(disk, maxEntries);
      for (let isWhole = false; !isWhole; ) {
        isWhole = builder.add(parseRecord(await nextOf(reader, pipe, signal)));
      }
      listings.push(builder.build());
    }
    return new DiskInspector(listings, { pipe, reader, signal }, scope.move());
  }

  /** Compares the contents of files, byte for byte: by path, whether they are the same, or why that is unknown. */
  async sameContents(pairs: readonly FilePair[]): Promise<Map<string, boolean | string>> {
    const asked = this.#ask(pairs);
    // What keeps the answers from coming says more.
    asked.catch(() => {});
    const results = new Map<string, boolean | string>();
    for (const { path } of pairs) results.set(path, parseVerdict(await this.#next()));
    await asked;
    return results;
  }

  async #ask(pairs: readonly FilePair[]): Promise<void> {
    for (let from = 0; from < pairs.length; from += REQUESTS_AT_ONCE) {
      const batch = pairs.slice(from, from + REQUESTS_AT_ONCE);
      const requests = batch.map(({ a, b }) => `C${a.volume} ${b.volume} ${a.pathOnVolume}\0`).join("");
      await this.#pipe.write(Buffer.from(requests, "latin1"));
    }
  }

  /** A file of the volume with the system of a disk; undefined if there is none, or it is no plain file, or larger. */
  async readFile(disk: number, path: string, maxBytes: number): Promise<Buffer | undefined> {
    const root = this.listings[disk]?.root;
    if (root === undefined) return undefined;
    await this.#pipe.write(Buffer.from(`G${disk} ${root} ${maxBytes} ${path}\0`, "latin1"));
    const answer = (await this.#next()).toString("latin1");
    if (answer.startsWith("X")) return undefined;
    const length = /^B(\d{1,15})$/.exec(answer)?.[1];
    if (length === undefined || Number(length) > maxBytes) throw unexpected();
    return await orAborted(this.#reader.take(Number(length)), this.#signal);
  }

  #next(): Promise<Buffer> {
    return nextOf(this.#reader, this.#pipe, this.#signal);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }
}

async function nextOf(reader: RecordReader, pipe: GuestPipe, signal: AbortSignal): Promise<Buffer> {
  const record = reader.tryNext() ?? (await orAborted(reader.next(), signal));
  if (record !== undefined) return record;
  const why = pipe.errors.trim();
  throw new InspectionError("inspection-failed", `the inspecting machine broke off${why === "" ? "" : `: ${why}`}`);
}

function parseVerdict(answer: Buffer): boolean | string {
  const text = answer.toString("latin1");
  if (text === "S") return true;
  if (text === "D") return false;
  if (text.startsWith("X")) return text.slice(1, MAX_REASON);
  throw unexpected();
}

function unexpected(): InspectionError {
  return new InspectionError("inspection-protocol-error", "the inspecting machine has answered what was not asked");
}
