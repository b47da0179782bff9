/** The files of a Debian system, from the host's package sources. */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { WorkerError } from "../../base/errors.ts";
import { ADMINISTRATORS_PATH, type CommandOptions, runCommand } from "../../host/command.ts";
import type { PackageCache } from "./package-cache.ts";
import { sourcesOfRelease } from "./package-sources.ts";

export interface DebianRootOptions extends Pick<CommandOptions, "signal" | "onLine" | "starter"> {
  /** Absolute path; is made. */
  directory: string;
  /** A release, or `host`. */
  release?: string;
  packages: readonly string[];
  /** Its package is put into a folder, not installed; left out: none is fetched. */
  kernel?: {
    /** Absolute path of an empty folder. */
    directory: string;
    /** Package whose first dependency is the kernel's package. */
    package: string;
  };
  /** Where packages are kept between builds; left out: nowhere. */
  cache?: PackageCache;
}

/** Documentation and translations: most of the size of a small system, and of no use to a task. */
const LEFT_OUT = [
  "/usr/share/doc/*",
  "/usr/share/man/*",
  "/usr/share/info/*",
  "/usr/share/locale/*",
  "/usr/share/lintian/*",
];

const TIMEOUT_MS = 60 * 60_000;

/**
 * Some programs of packages ask for the time of what they write. A time before any package, so that it does not change;
 * not the first day of all, which would say that passwords have run out.
 */
const BUILD_EPOCH_SECONDS = 1_600_000_000;

/** Runs inside mmdebstrap, with the package lists it fetched. */
const FETCH_KERNEL = `
cd "$KERNEL_DIRECTORY"
export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"
kernel=$(apt-cache depends "$KERNEL_PACKAGE" | sed -n 's/^ *Depends: \\(linux-image-\\)/\\1/p' | head -n 1)
file=$(apt-get download --print-uris "$kernel" | cut -d ' ' -f 2)
if [ -n "\${PACKAGE_CACHE:-}" ] && [ -e "$PACKAGE_CACHE/archives/$file" ]; then cp "$PACKAGE_CACHE/archives/$file" .; fi
apt-get download "$kernel"
if [ -n "\${PACKAGE_CACHE:-}" ]; then cp -n "$file" "$PACKAGE_CACHE/archives/"; fi
`;

/** @throws {CommandError} with the end of what mmdebstrap said; {@link WorkerError} `package-sources-unknown`. */
export async function makeDebianRoot(options: DebianRootOptions): Promise<void> {
  const { kernel, cache, signal } = options;
  if (kernel !== undefined) await mkdir(kernel.directory, { recursive: true });
  const release = await releaseOf(options.release ?? "host", signal);
  await runCommand(
    [
      "mmdebstrap",
      ...["--mode=root", "--variant=essential", "--format=directory"],
      ...(options.packages.length === 0 ? [] : [`--include=${options.packages.join(",")}`]),
      ...LEFT_OUT.map((pattern) => `--dpkgopt=path-exclude=${pattern}`),
      // Neither what is built here nor a machine that lives for a task has anything to lose by a power failure.
      "--dpkgopt=force-unsafe-io",
      ...(await aptSettings(signal)).map((setting) => `--aptopt=${setting}`),
      ...(cache?.hooks ?? []),
      ...(kernel === undefined ? [] : [`--customize-hook=${FETCH_KERNEL}`]),
      ...[release, options.directory],
      ...(await sourcesFor(release, dirname(options.directory), signal)),
    ],
    {
      signal,
      timeoutMs: TIMEOUT_MS,
      starter: options.starter ?? [],
      env: {
        PATH: ADMINISTRATORS_PATH,
        SOURCE_DATE_EPOCH: String(BUILD_EPOCH_SECONDS),
        ...(kernel === undefined ? {} : { KERNEL_DIRECTORY: kernel.directory, KERNEL_PACKAGE: kernel.package }),
        ...(cache === undefined ? {} : { PACKAGE_CACHE: cache.directory }),
      },
      ...(options.onLine === undefined ? {} : { onLine: options.onLine }),
    },
  );
}

/** `host`: so that the host's mirrors and keys fit. */
export async function releaseOf(release: string, signal: AbortSignal | undefined): Promise<string> {
  if (release !== "host") return release;
  const { stdout } = await runCommand(["sh", "-c", '. /etc/os-release && echo "$VERSION_CODENAME"'], { signal });
  return stdout.trim();
}

/** Files of apt: those of the host, or in `directory` the same for another release. */
async function sourcesFor(release: string, directory: string, signal: AbortSignal | undefined): Promise<string[]> {
  const [files, ofHost] = [await hostSources(), await releaseOf("host", signal)];
  if (release === ofHost) return files;
  const made: string[] = [];
  for (const file of files) {
    const text = sourcesOfRelease(await readFile(file, "utf8"), ofHost, release);
    if (text === undefined) continue;
    made.push(join(directory, `packages-${basename(file)}`));
    await writeFile(made.at(-1) as string, text);
  }
  if (made.length > 0) return made;
  const why = `no package source of this host names its release ${ofHost}, so there is none for ${release}`;
  throw new WorkerError(`${why}; write from: {debian: host}`, { code: "package-sources-unknown", blame: "host" });
}

/** Other vendors' sources are the host's own business. */
async function hostSources(): Promise<string[]> {
  const directory = "/etc/apt/sources.list.d";
  const names = await readdir(directory).catch(() => []);
  const files = names.filter((name) => /^debian\.(sources|list)$/.test(name)).map((name) => join(directory, name));
  const main = "/etc/apt/sources.list";
  const hasMain = /^\s*deb\s/m.test(await readFile(main, "utf8").catch(() => ""));
  return hasMain ? [main, ...files] : files;
}

/** How the host reaches its mirrors, and how far it trusts their clocks. */
const APT_SETTINGS = /^Acquire::(https?::Proxy|Check-Valid-Until|Check-Date)\b/i;

async function aptSettings(signal: AbortSignal | undefined): Promise<string[]> {
  const { stdout } = await runCommand(["apt-config", "dump"], { signal });
  return stdout.split("\n").filter((line) => APT_SETTINGS.test(line));
}
