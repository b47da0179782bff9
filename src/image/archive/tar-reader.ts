/**
 * Reads a tar stream entry by entry: ustar, pax and GNU, with sparse files as GNU tar writes them by
 * `--format=gnu -S` and `--format=posix -S`.
 *
 * What comes in is hostile. Names are reported, not judged: that is the caller's part. An entry's content must be
 * read, or the stream given up, before the next entry can be asked for.
 */
import { ImageError } from "../errors.ts";
import { type ByteReader, truncated } from "./byte-reader.ts";
import { parsePax, paxNumber } from "./pax.ts";
import { checkCount, checkSparseMap, readSparseMap, type Segment } from "./sparse-map.ts";
import { BLOCK_BYTES, corrupt, parseGnuExtension, parseTarHeader, type TarHeader } from "./tar-header.ts";

export type TarEntryKind = "file" | "directory" | "link" | "device" | "fifo" | "other";

export interface TarEntry {
  name: string;
  kind: TarEntryKind;
  /** Apparent size, holes included. */
  realBytes: number;
  /** At most what the archive holds for it: the data without holes, and for some formats their map. */
  storedBytes: number;
  /** The data at its place in the file; what lies between is a hole. A chunk may be used until the next one is asked for. */
  content(): AsyncGenerator<{ offset: number; chunk: Buffer }>;
}

const KINDS: Readonly<Record<string, TarEntryKind>> = {
  "0": "file",
  "7": "file",
  S: "file",
  "1": "link",
  "2": "link",
  "3": "device",
  "4": "device",
  "5": "directory",
  "6": "fifo",
};

/** Headers that only describe the next entry. */
const MAX_META_BYTES = 1_024 * 1_024;
/** Any tar writes at most four before a file. */
const MAX_META_HEADERS = 16;
/** GNU tar fills its last record with zeros, 10 KiB by default. */
const MAX_PADDING_BYTES = 8 * 1_024 * 1_024;

export class TarReader {
  readonly #reader: ByteReader;
  #pending = false;

  constructor(reader: ByteReader) {
    this.#reader = reader;
  }

  /** The next entry; undefined at the end of the archive, which must be the end of the stream too. */
  async next(): Promise<TarEntry | undefined> {
    if (this.#pending) throw new Error("the content of the last entry was not read");
    let pax: ReadonlyMap<string, string> | undefined;
    let longName: string | undefined;
    for (let headers = 0; ; headers++) {
      const block = await this.#reader.tryReadExactly(BLOCK_BYTES);
      if (block === undefined) throw truncated();
      const header = parseTarHeader(block);
      if (header === undefined) {
        if (headers > 0) throw corrupt("an extended header that no file follows");
        await this.#expectPadding();
        return undefined;
      }
      if (headers > MAX_META_HEADERS) throw corrupt("too many extended headers in a row");
      switch (header.type) {
        case "x":
          if (pax !== undefined) throw corrupt("two extended headers for one file");
          pax = parsePax(await this.#readMeta(header));
          break;
        case "g":
          refuseOverrides(parsePax(await this.#readMeta(header)));
          break;
        case "L":
          if (longName !== undefined) throw corrupt("two long names for one file");
          longName = (await this.#readMeta(header)).toString("utf8").replace(/\0+$/, "");
          break;
        case "K":
          await this.#readMeta(header);
          break;
        default:
          if (longName !== undefined && pax?.has("path") === true) throw corrupt("two long names for one file");
          return this.#entry(header, pax ?? new Map(), longName);
      }
    }
  }

  async #readMeta({ storedBytes }: TarHeader): Promise<Buffer> {
    if (storedBytes > MAX_META_BYTES) throw corrupt("an extended header that is too large");
    const padded = await this.#reader.readExactly(storedBytes + padding(storedBytes));
    return padded.subarray(0, storedBytes);
  }

  #entry(header: TarHeader, pax: ReadonlyMap<string, string>, longName: string | undefined): TarEntry {
    const storedBytes = paxNumber(pax, "size") ?? header.storedBytes;
    const major = pax.get("GNU.sparse.major");
    const isPaxSparse = [...pax.keys()].some((key) => key.startsWith("GNU.sparse."));
    if (isPaxSparse && (major !== "1" || pax.get("GNU.sparse.minor") !== "0")) {
      throw new ImageError("archive-sparse-map", "pack sparse files with GNU tar's --sparse-version=1.0 or without it");
    }
    if (isPaxSparse && header.gnuSparse !== undefined) throw corrupt("a file with two sparse maps");
    const paxSize = paxNumber(pax, "GNU.sparse.realsize");
    if (isPaxSparse && paxSize === undefined) throw corrupt("a sparse file without its size");
    const realBytes = paxSize ?? header.gnuSparse?.realBytes ?? storedBytes;
    const kind = KINDS[header.type] ?? "other";
    this.#pending = true;
    return {
      name: pax.get("GNU.sparse.name") ?? pax.get("path") ?? longName ?? header.name,
      kind,
      realBytes,
      storedBytes,
      content: () => this.#content(header, { isPaxSparse, storedBytes, realBytes }),
    };
  }

  async *#content(
    header: TarHeader,
    { isPaxSparse, storedBytes, realBytes }: { isPaxSparse: boolean; storedBytes: number; realBytes: number },
  ): AsyncGenerator<{ offset: number; chunk: Buffer }> {
    let dataBytes = storedBytes;
    let segments: Segment[] = [{ offset: 0, bytes: storedBytes }];
    if (isPaxSparse) {
      const map = await readSparseMap(this.#reader);
      segments = map.segments;
      dataBytes -= map.mapBytes;
    } else if (header.gnuSparse !== undefined) {
      segments = await this.#gnuMap(header.gnuSparse);
    }
    checkSparseMap(segments, realBytes, dataBytes);
    for (const segment of segments) {
      let done = 0;
      while (done < segment.bytes) {
        const chunk = await this.#reader.read(segment.bytes - done);
        if (chunk === undefined) throw truncated();
        yield { offset: segment.offset + done, chunk };
        done += chunk.length;
      }
    }
    if (padding(dataBytes) > 0) await this.#reader.readExactly(padding(dataBytes));
    this.#pending = false;
  }

  async #gnuMap(start: NonNullable<TarHeader["gnuSparse"]>): Promise<Segment[]> {
    const segments = [...start.segments];
    for (let isExtended = start.isExtended; isExtended; ) {
      const extension = parseGnuExtension(await this.#reader.readExactly(BLOCK_BYTES));
      segments.push(...extension.segments);
      checkCount(segments.length);
      isExtended = extension.isExtended;
    }
    return segments;
  }

  async #expectPadding(): Promise<void> {
    let total = 0;
    for (let chunk = await this.#reader.read(65_536); chunk !== undefined; chunk = await this.#reader.read(65_536)) {
      total += chunk.length;
      if (total > MAX_PADDING_BYTES || chunk.some((byte) => byte !== 0)) {
        throw corrupt("there is something after the end of the archive");
      }
    }
    if (total < BLOCK_BYTES) throw truncated();
  }
}

function padding(bytes: number): number {
  return (BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES;
}

/** A global header may carry comments. What changes how files are read is heeded by some readers and not by others. */
function refuseOverrides(pax: ReadonlyMap<string, string>): void {
  const override = [...pax.keys()].find((key) => OVERRIDES.has(key) || key.startsWith("GNU.sparse."));
  if (override !== undefined) throw corrupt(`a header for all files that changes their ${override.slice(0, 40)}`);
}

const OVERRIDES = new Set(["path", "linkpath", "size", "hdrcharset"]);
