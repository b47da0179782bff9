/**
 * Which entries a preload archive may have, and what becomes of them. Pure.
 *
 * Files, folders and links come through. A link is data for the guest: nothing is ever written through one, since all
 * that may be a folder on the way to an entry is a folder that this archive has itself.
 */
import { unsafePathReason } from "../../base/relative-path.ts";
import { CacheError } from "../errors.ts";

/** As the archive has it. */
export interface EntryHeader {
  name: string;
  type?: string | null | undefined;
  linkname?: string | null | undefined;
  size?: number | undefined;
  mode?: number | undefined;
}

/** Paths are relative to the top of the cache, and `parents` the folders that must be made first. */
export type PreloadEntry = { path: string; parents: readonly string[] } & (
  | { kind: "folder"; mode: number }
  | { kind: "file"; mode: number; sizeBytes: number }
  | { kind: "symlink"; target: string }
  | { kind: "hardlink"; target: string }
);

export interface PreloadLimits {
  /** Of all files together. */
  maxBytes: number;
  /** Files, folders and links. */
  maxEntries: number;
}

const MAX_DEPTH = 200;
const MAX_TARGET_BYTES = 4_095;
/** No set-user-ID and the like: caches are mounted without them. */
const MODE_MASK = 0o777;

export class PreloadEntries {
  readonly #kinds = new Map<string, PreloadEntry["kind"]>();
  readonly #limits: PreloadLimits;
  #bytes = 0;

  constructor(limits: PreloadLimits) {
    this.#limits = limits;
  }

  /**
   * Undefined for the top folder itself, of which nothing is taken.
   *
   * @throws {@link CacheError} `preload-refused`, `preload-too-large`
   */
  add(header: EntryHeader): PreloadEntry | undefined {
    const path = header.name.replace(/^(\.\/+)+/, "").replace(/\/+$/, "");
    if (path === "" || path === ".") return undefined;
    const shown = JSON.stringify(path.slice(0, 200));
    const reason = unsafePathReason(path);
    if (reason !== undefined) throw refused(`it has the path ${shown}: ${reason}`);
    if (path.split("/").length > MAX_DEPTH) throw refused(`it has a file in more than ${MAX_DEPTH} folders`);
    const parents = this.#enter(path, shown);
    const entry = this.#judge(header, path, parents, shown);
    const known = this.#kinds.get(path);
    if (known !== undefined && !(known === "folder" && entry.kind === "folder")) throw refused(`it has ${shown} twice`);
    this.#note(path, entry.kind);
    return entry;
  }

  #judge(header: EntryHeader, path: string, parents: readonly string[], shown: string): PreloadEntry {
    const mode = (header.mode ?? 0o644) & MODE_MASK;
    const target = header.linkname ?? "";
    switch (header.type) {
      case "directory":
        return { kind: "folder", path, parents, mode };
      case "file":
      case "contiguous-file":
        return { kind: "file", path, parents, mode, sizeBytes: this.#count(header.size ?? 0, shown) };
      case "symlink":
        if (target === "" || target.includes("\0") || Buffer.byteLength(target) > MAX_TARGET_BYTES) {
          throw refused(`the link ${shown} points nowhere`);
        }
        return { kind: "symlink", path, parents, target };
      case "link": {
        const file = target.replace(/^(\.\/+)+/, "");
        if (this.#kinds.get(file) !== "file") throw refused(`${shown} is a link to a file that is not before it`);
        return { kind: "hardlink", path, parents, target: file };
      }
      default:
        throw refused(`${shown} is a ${header.type ?? "thing of an unknown kind"}, which no cache has`);
    }
  }

  /** The folders above `path` that are new. */
  #enter(path: string, shown: string): string[] {
    const parents: string[] = [];
    for (let end = path.indexOf("/"); end > 0; end = path.indexOf("/", end + 1)) {
      const parent = path.slice(0, end);
      const kind = this.#kinds.get(parent);
      if (kind !== undefined && kind !== "folder") throw refused(`${shown} is in ${JSON.stringify(parent)}, a ${kind}`);
      if (kind !== undefined) continue;
      this.#note(parent, "folder");
      parents.push(parent);
    }
    return parents;
  }

  #note(path: string, kind: PreloadEntry["kind"]): void {
    this.#kinds.set(path, kind);
    if (this.#kinds.size <= this.#limits.maxEntries) return;
    throw tooLarge(`it has more than ${this.#limits.maxEntries} files and folders`);
  }

  #count(bytes: number, shown: string): number {
    if (!Number.isSafeInteger(bytes) || bytes < 0) throw refused(`${shown} has no valid size`);
    this.#bytes += bytes;
    if (this.#bytes <= this.#limits.maxBytes) return bytes;
    throw tooLarge(`its files have more than ${this.#limits.maxBytes} bytes together`);
  }
}

export function refused(why: string, cause?: unknown): CacheError {
  return new CacheError("preload-refused", `the archive that a cache is to be preloaded with is refused: ${why}`, {
    cause,
  });
}

export function tooLarge(why: string): CacheError {
  return new CacheError("preload-too-large", `the archive that a cache is to be preloaded with is too large: ${why}`);
}
