/**
 * Debian packages that were fetched, kept for the next build.
 *
 * Several builds may use it at once: a file gets its name when it is whole, and is never changed. apt compares each
 * with the digest in its lists before it is used.
 */
import { mkdir, open, readdir, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { ignoreMissing } from "../../host/durable-file.ts";
import type { InstalledPackage } from "../mutable-image.ts";

/** A package that no build has asked for in this time is fetched again by the next one that does. */
const KEPT_MS = 60 * 86_400_000;

const BRING = `
mkdir -p "$1/var/cache/apt/archives" "$1/var/lib/apt/lists"
find "$PACKAGE_CACHE/archives" -name '*.deb' -exec cp -l -t "$1/var/cache/apt/archives" {} + 2>/dev/null ||
  find "$PACKAGE_CACHE/archives" -name '*.deb' -exec cp -t "$1/var/cache/apt/archives" {} +
cp -R --preserve=timestamps "$PACKAGE_CACHE/lists/." "$1/var/lib/apt/lists/" 2>/dev/null || true
`;

const KEEP = `
find "$1/var/cache/apt/archives" -maxdepth 1 -name '*.deb' -exec cp -ln -t "$PACKAGE_CACHE/archives" {} + 2>/dev/null ||
  find "$1/var/cache/apt/archives" -maxdepth 1 -name '*.deb' -exec cp -n -t "$PACKAGE_CACHE/archives" {} +
fresh=$(mktemp -d "$PACKAGE_CACHE/lists.XXXXXX")
find "$1/var/lib/apt/lists" -maxdepth 1 -type f ! -name lock -exec cp --preserve=timestamps -t "$fresh" {} +
rm -rf "$PACKAGE_CACHE/lists"
mv -T "$fresh" "$PACKAGE_CACHE/lists" 2>/dev/null || rm -rf "$fresh"
`;

export class PackageCache {
  /** Absolute path. */
  readonly directory: string;
  /** For mmdebstrap, which must find {@link directory} in the variable PACKAGE_CACHE. */
  readonly hooks: readonly string[] = [
    ...["--skip=download/empty", "--skip=essential/unlink"],
    ...[`--setup-hook=${BRING}`, `--customize-hook=${KEEP}`],
  ];

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** @param parent Absolute path; the packages of one release and its lists are in one folder below it. */
  static async open(parent: string, release: string): Promise<PackageCache> {
    const directory = join(parent, release);
    for (const name of ["archives", "lists"]) await mkdir(join(directory, name), { recursive: true });
    return new PackageCache(directory);
  }

  /** When the newest of `packages` was built, in seconds since 1970; 0 if none of them is here. */
  async newestSeconds(packages: readonly InstalledPackage[]): Promise<number> {
    const times = await Promise.all((await this.#filesOf(packages)).map(builtSeconds));
    return times.reduce((newest, time) => Math.max(newest, time), 0);
  }

  /** Says that `packages` were used just now, and removes what was not for long. */
  async prune(packages: readonly InstalledPackage[]): Promise<void> {
    const now = new Date();
    for (const file of await this.#filesOf(packages)) await utimes(file, now, now).catch(ignoreMissing);
    for (const name of await readdir(join(this.directory, "archives"))) {
      const file = join(this.directory, "archives", name);
      const info = await stat(file).catch(ignoreMissing);
      if (info !== undefined && now.getTime() - info.mtimeMs > KEPT_MS) await rm(file, { force: true });
    }
  }

  async #filesOf(packages: readonly InstalledPackage[]): Promise<string[]> {
    const wanted = new Set(packages.map(({ name, version }) => `${name}_${version.replaceAll(":", "%3a")}`));
    const names = await readdir(join(this.directory, "archives"));
    return names
      .filter((name) => name.endsWith(".deb") && wanted.has(name.slice(0, name.lastIndexOf("_"))))
      .map((name) => join(this.directory, "archives", name));
  }
}

/** Of the first member of the archive that a package is. @see ar(5) */
const TIME_AT = 8 + 16;
const TIME_LENGTH = 12;

/** The time that the package's own build was told, so it is the same whoever builds it. */
async function builtSeconds(file: string): Promise<number> {
  await using handle = await open(file);
  const { buffer } = await handle.read(Buffer.alloc(TIME_LENGTH), 0, TIME_LENGTH, TIME_AT);
  const seconds = Number(buffer.toString("latin1").trim());
  return Number.isSafeInteger(seconds) ? seconds : 0;
}
