/** An image in the store, as it is shown to others. */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { ImageProvenance } from "../../generated/image.ts";
import type { Machine } from "../../generated/machine.ts";
import { syncDirectory, writeDurably } from "../../host/durable-file.ts";
import type { ImageFile } from "../archive/format.ts";
import { readContents } from "../validate.ts";
import type { StoreLayout } from "./layout.ts";
import type { ImageDigest } from "./reference.ts";

export interface Image {
  readonly digest: ImageDigest;
  /** Names it has in this store. */
  readonly tags: readonly string[];
  readonly machine: Machine;
  readonly provenance: ImageProvenance | undefined;
  /** Absolute paths; read-only. */
  readonly files: Readonly<Partial<Record<ImageFile, string>>>;
  readonly sizes: {
    /** The archive it came from. */
    readonly archiveBytes: number;
    /** Its files, holes included. */
    readonly apparentBytes: number;
    /** Its files on the disk. */
    readonly diskBytes: number;
    /** The disk the guest sees. */
    readonly virtualBytes: number;
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
}

const RECORD_FILE = "record.json";
export const LAST_USED_FILE = "last-used";

/** Completes an unpacked image; it can be renamed into place afterwards. */
export async function writeRecord(directory: string, record: ImageRecord): Promise<void> {
  await writeDurably(join(directory, LAST_USED_FILE), "");
  await writeDurably(join(directory, RECORD_FILE), `${JSON.stringify(record, undefined, 2)}\n`);
  await syncDirectory(directory);
}

export async function readImage(layout: StoreLayout, sha256: string, tags: readonly string[]): Promise<Image> {
  const directory = layout.path("blobs", sha256);
  const record = JSON.parse(await readFile(join(directory, RECORD_FILE), "utf8")) as ImageRecord;
  const contents = await readContents(directory, new Set(record.files));
  const stats = await Promise.all(record.files.map((file) => stat(join(directory, file))));
  return {
    digest: record.digest,
    tags: [...tags].sort(),
    machine: contents.machine,
    provenance: contents.provenance,
    files: Object.fromEntries(record.files.map((file) => [file, join(directory, file)])),
    sizes: {
      archiveBytes: record.archiveBytes,
      apparentBytes: stats.reduce((sum, { size }) => sum + size, 0),
      diskBytes: stats.reduce((sum, { blocks }) => sum + blocks * 512, 0),
      virtualBytes: contents.virtualBytes,
    },
    created: new Date(record.created),
    lastUsed: (await stat(join(directory, LAST_USED_FILE))).mtime,
  };
}
