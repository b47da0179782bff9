/** An image in the store, as it is shown to others. */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { ImageProvenance } from "../../generated/image.ts";
import type { Machine } from "../../generated/machine.ts";
import { ignoreMissing, syncDirectory, writeDurably } from "../../host/durable-file.ts";
import type { ImageFile } from "../archive/format.ts";
import { readContents } from "../validate.ts";
import { type Ancestor, type BootFiles, findBootFiles } from "./chain.ts";
import type { StoreLayout } from "./layout.ts";
import { type ImageDigest, sha256Of } from "./reference.ts";

export interface Image {
  readonly digest: ImageDigest;
  /** Names it has in this store. */
  readonly tags: readonly string[];
  readonly machine: Machine;
  readonly provenance: ImageProvenance | undefined;
  /** The image this one holds only the difference to. */
  readonly parent: ImageDigest | undefined;
  /** The parent, its parent, and so on. All of them are in the store. */
  readonly ancestors: readonly ImageDigest[];
  /** Its own files: absolute paths; read-only. */
  readonly files: Readonly<Partial<Record<ImageFile, string>>>;
  /** For a direct boot: its own, or those of the nearest ancestor that has them. Absolute paths. */
  readonly bootFiles: BootFiles;
  readonly sizes: {
    /** The archive it came from. */
    readonly archiveBytes: number;
    /** Its files, holes included. */
    readonly apparentBytes: number;
    /** Its files on the disk; those of its ancestors are theirs. */
    readonly diskBytes: number;
    /** The disk the guest sees. */
    readonly virtualBytes: number;
    /** Of the kept archive on the disk; 0 if it is not kept. */
    readonly keptArchiveBytes: number;
  };
  /** When it entered this store; when it was built is part of `provenance`. */
  readonly created: Date;
  readonly lastUsed: Date;
}

/** What a blob says about itself, beside the image's own files. */
export interface ImageRecord {
  version: 1;
  digest: ImageDigest;
  created: string;
  archiveBytes: number;
  files: ImageFile[];
  /** The nearest first; of an image without parent: left out. */
  ancestors?: Ancestor[];
}

const RECORD_FILE = "record.json";
export const LAST_USED_FILE = "last-used";

/** Completes an unpacked image; it can be renamed into place afterwards. */
export async function writeRecord(directory: string, record: ImageRecord): Promise<void> {
  await writeDurably(join(directory, LAST_USED_FILE), "");
  await writeDurably(join(directory, RECORD_FILE), `${JSON.stringify(record, undefined, 2)}\n`);
  await syncDirectory(directory);
}

export async function readRecord(layout: StoreLayout, sha256: string): Promise<ImageRecord> {
  return JSON.parse(await readFile(layout.path("blobs", sha256, RECORD_FILE), "utf8")) as ImageRecord;
}

export async function readImage(layout: StoreLayout, sha256: string, tags: readonly string[]): Promise<Image> {
  const directory = layout.path("blobs", sha256);
  const { digest, files, ancestors = [], ...record } = await readRecord(layout, sha256);
  const contents = await readContents(directory, new Set(files));
  const stats = await Promise.all(files.map((file) => stat(join(directory, file))));
  const keptArchive = await stat(layout.archiveFile(sha256)).catch(ignoreMissing);
  return {
    digest,
    tags: [...tags].sort(),
    machine: contents.machine,
    provenance: contents.provenance,
    parent: ancestors[0]?.digest,
    ancestors: ancestors.map((ancestor) => ancestor.digest),
    files: Object.fromEntries(files.map((file) => [file, join(directory, file)])),
    bootFiles: findBootFiles([{ digest, files }, ...ancestors], (of) => layout.path("blobs", sha256Of(of))),
    sizes: {
      archiveBytes: record.archiveBytes,
      apparentBytes: stats.reduce((sum, { size }) => sum + size, 0),
      diskBytes: stats.reduce((sum, { blocks }) => sum + blocks * 512, 0),
      virtualBytes: contents.virtualBytes,
      keptArchiveBytes: (keptArchive?.blocks ?? 0) * 512,
    },
    created: new Date(record.created),
    lastUsed: (await stat(join(directory, LAST_USED_FILE))).mtime,
  };
}
