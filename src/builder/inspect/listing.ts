/** What is on a disk: its volumes, and the files on them. Pure. */
import { InspectionError } from "./errors.ts";
import type { FileFacts, InspectRecord, Volume } from "./records.ts";

export interface ListedFile extends FileFacts {
  readonly volume: number;
  /** Of the volume, as the guest has it; one character for each byte. */
  readonly pathOnVolume: string;
}

export interface DiskListing {
  readonly volumes: readonly Volume[];
  /** By path: `/etc/passwd`; on another volume than the one with the system, `partition 2:/vmlinuz`. */
  readonly files: ReadonlyMap<string, ListedFile>;
  /** What could not be looked into. */
  readonly troubles: readonly string[];
  /** Of the volume with the system; undefined if none can be looked into. */
  readonly root: number | undefined;
}

/** A damaged disk may have one for each file. */
const MAX_TROUBLES = 1_000;

/** Gathers what is said of one disk. */
export class ListingBuilder {
  readonly #disk: number;
  readonly #maxEntries: number;
  readonly #volumes: Volume[] = [];
  readonly #files: ListedFile[] = [];
  readonly #troubles: string[] = [];
  #link: ListedFile | undefined;

  constructor(disk: number, maxEntries: number) {
    this.#disk = disk;
    this.#maxEntries = maxEntries;
  }

  /** True: that was all. @throws {InspectionError} */
  add(record: InspectRecord): boolean {
    const link = this.#link;
    this.#link = undefined;
    switch (record.kind) {
      case "volume":
        if (record.disk !== this.#disk || record.number !== this.#volumes.length) throw misplaced();
        this.#volumes.push(record.volume);
        return false;
      case "entry":
        this.#addEntry(record);
        return false;
      case "target":
        if (link === undefined) throw misplaced();
        link.target = record.target;
        return false;
      case "trouble":
        this.#requireVolume(record.volume);
        if (this.#troubles.length < MAX_TROUBLES) this.#troubles.push(record.text);
        return false;
      case "too-many":
        // Where nothing was to be listed, this is how much it is.
        if (this.#maxEntries === 0) return false;
        throw new InspectionError("inspection-too-large", `there are more than ${this.#maxEntries} files on the disk`);
      case "failure":
        throw new InspectionError("inspection-failed", `the disk could not be looked into: ${record.text}`);
      case "end":
        if (record.disk !== this.#disk) throw misplaced();
        return true;
    }
  }

  build(): DiskListing {
    const root = findRoot(this.#volumes, this.#files);
    const files = new Map<string, ListedFile>();
    for (const file of this.#files) files.set(pathOf(file, this.#volumes, root), file);
    return { volumes: this.#volumes, files, troubles: this.#troubles, root };
  }

  #addEntry({ volume, path, facts }: Extract<InspectRecord, { kind: "entry" }>): void {
    this.#requireVolume(volume);
    if (this.#files.length >= this.#maxEntries) throw misplaced();
    const file = { ...facts, volume, pathOnVolume: path };
    this.#files.push(file);
    if (facts.type === "link") this.#link = file;
  }

  #requireVolume(number: number): void {
    if (number >= this.#volumes.length) throw misplaced();
  }
}

/** The one with the folders of a system; without it the first that can be looked into. */
function findRoot(volumes: readonly Volume[], files: readonly ListedFile[]): number | undefined {
  const system = files.find(({ type, pathOnVolume }) => type === "folder" && pathOnVolume === "etc");
  const first = volumes.findIndex(({ obstacle }) => obstacle === undefined);
  return system?.volume ?? (first === -1 ? undefined : first);
}

function pathOf(file: ListedFile, volumes: readonly Volume[], root: number | undefined): string {
  const prefix = file.volume === root ? "" : `partition ${volumes[file.volume]?.partition ?? 0}:`;
  return `${prefix}/${file.pathOnVolume}`;
}

function misplaced(): InspectionError {
  return new InspectionError("inspection-protocol-error", "the inspecting machine has sent what does not belong there");
}
