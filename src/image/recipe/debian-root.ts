/** The files of a Debian system, from the host's package sources. */
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type CommandOptions, runCommand } from "../../host/command.ts";

export interface DebianRootOptions extends Pick<CommandOptions, "signal" | "onLine"> {
  /** Absolute path; is made. */
  directory: string;
  /** Absolute path of an empty folder; the kernel's package is put there, not installed. */
  kernelDirectory: string;
  packages: readonly string[];
  /** Package whose first dependency is the kernel's package. */
  kernelPackage: string;
}

/** Documentation and translations: most of the size of a small system, and of no use to a task. */
const LEFT_OUT = [
  "/usr/share/doc/*",
  "/usr/share/man/*",
  "/usr/share/info/*",
  "/usr/share/locale/*",
  "/usr/share/lintian/*",
];

const TIMEOUT_MS = 20 * 60_000;

/** Runs inside mmdebstrap, with the package lists it fetched. */
const FETCH_KERNEL = `
cd "$KERNEL_DIRECTORY"
export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"
kernel=$(apt-cache depends "$KERNEL_PACKAGE" | sed -n 's/^ *Depends: \\(linux-image-\\)/\\1/p' | head -n 1)
apt-get download "$kernel"
`;

/** @throws {CommandError} with the end of what mmdebstrap said. */
export async function makeDebianRoot(options: DebianRootOptions): Promise<void> {
  await mkdir(options.kernelDirectory, { recursive: true });
  await runCommand(
    [
      "mmdebstrap",
      ...["--mode=root", "--variant=essential", "--format=directory"],
      `--include=${options.packages.join(",")}`,
      ...LEFT_OUT.map((pattern) => `--dpkgopt=path-exclude=${pattern}`),
      ...(await aptSettings(options.signal)).map((setting) => `--aptopt=${setting}`),
      `--customize-hook=${FETCH_KERNEL}`,
      ...[await hostRelease(options.signal), options.directory],
      ...(await hostSources()),
    ],
    {
      signal: options.signal,
      timeoutMs: TIMEOUT_MS,
      env: { KERNEL_DIRECTORY: options.kernelDirectory, KERNEL_PACKAGE: options.kernelPackage },
      ...(options.onLine === undefined ? {} : { onLine: options.onLine }),
    },
  );
}

/** The guest is of the host's release, so that the host's mirrors and keys fit. */
async function hostRelease(signal: AbortSignal | undefined): Promise<string> {
  const { stdout } = await runCommand(["sh", "-c", '. /etc/os-release && echo "$VERSION_CODENAME"'], { signal });
  return stdout.trim();
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
