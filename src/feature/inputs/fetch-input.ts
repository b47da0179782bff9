/** Downloads one input into a file, for a task that may be hostile. */
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import { formatBytes } from "../../base/units.ts";
import { allowingPrefix, type UrlPrefix } from "../../base/url-prefix.ts";
import { Download, type DownloadOptions, showUrl } from "../../http/download.ts";
import { requireDiskSpace } from "../../image/disk-space.ts";
import type { ByteBudget } from "./byte-budget.ts";
import { InputError } from "./errors.ts";
import { type FetchedInput, refusalOf } from "./request.ts";

export interface FetchOptions {
  allow: readonly UrlPrefix[];
  budget: ByteBudget;
  /** What must stay free on the disk. */
  reserveBytes: number;
  /** Called if there is less; afterwards it is looked again. */
  makeRoom: () => Promise<unknown>;
  onProgress: (doneBytes: number, totalBytes: number | undefined) => void;
  /** How it is tried again. */
  download?: Pick<DownloadOptions, "maxAttempts" | "backOffMs" | "stallMs"> | undefined;
  signal: AbortSignal;
}

const CHECK_SPACE_EVERY_BYTES = 64 * 1_024 * 1_024;

/**
 * Writes what is at the URL to the new file `path`.
 *
 * @throws {@link InputError} It is not allowed, too large, or not what it should be; {@link DownloadError};
 *   {@link ImageError} `disk-space-low`; `signal.reason`. What of the file there is then is for the caller to remove.
 */
export async function fetchInput(input: FetchedInput, path: string, options: FetchOptions): Promise<void> {
  const { allow, budget, onProgress, download: patience, signal } = options;
  const what = `the input for ${input.path}`;
  const admit = (url: URL) => admission(url, allow, what);
  await using download = await Download.start(input.url, { ...patience, subject: what, signal, admit });
  budget.require(download.bytes ?? 0, what);
  await requireRoom(path, download.bytes ?? 0, what, options);

  await using file = await open(path, "wx", 0o600);
  const hash = createHash("sha256");
  let doneBytes = 0;
  let unchecked = 0;
  onProgress(doneBytes, download.bytes);
  for await (const chunk of download.open(signal)) {
    budget.spend(chunk.length, what);
    hash.update(chunk);
    await file.writeFile(chunk);
    doneBytes += chunk.length;
    unchecked += chunk.length;
    if (unchecked >= CHECK_SPACE_EVERY_BYTES) {
      unchecked = 0;
      await requireRoom(path, 0, what, options);
    }
    onProgress(doneBytes, download.bytes);
  }
  requireDigest(input, hash.digest("hex"), doneBytes);
}

/** A server on this host or in its network must be meant, not just come by. */
function admission(url: URL, allow: readonly UrlPrefix[], what: string): { publicOnly: boolean } {
  const refusal = refusalOf(url, allow);
  if (refusal !== undefined) throw new InputError("input-not-allowed", `${what}: ${showUrl(url)} ${refusal}`);
  return { publicOnly: allowingPrefix(url, allow)?.host === undefined };
}

function requireDigest({ url, path, sha256 }: FetchedInput, actual: string, sizeBytes: number): void {
  if (actual === sha256) return;
  const from = showUrl(new URL(url));
  throw new InputError(
    "input-digest-mismatch",
    `the input for ${path} is not what the task says: ${from} (${formatBytes(sizeBytes)}) has the digest ` +
      `sha256:${actual}, not sha256:${sha256}`,
    { expected: sha256, actual },
  );
}

async function requireRoom(
  path: string,
  bytes: number,
  what: string,
  { reserveBytes, makeRoom }: FetchOptions,
): Promise<void> {
  const require = () => requireDiskSpace(dirname(path), bytes, reserveBytes, what);
  try {
    await require();
  } catch {
    await makeRoom();
    await require();
  }
}
