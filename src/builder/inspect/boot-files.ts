/** Kernels and initrds: the host may read them, for it makes nothing of what is in them. */
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { type Digest, DigestStream } from "../../base/digest-stream.ts";
import type { ImageLease } from "../../image/store/image-lease.ts";

export interface BootFileDiff {
  readonly file: "kernel" | "initrd";
  /** Undefined: there is none. */
  readonly a: Digest | undefined;
  readonly b: Digest | undefined;
}

/** What differs. */
export async function compareBootFiles(a: ImageLease, b: ImageLease): Promise<BootFileDiff[]> {
  const differences: BootFileDiff[] = [];
  for (const file of ["kernel", "initrd"] as const) {
    const [pathA, pathB] = [a.directBoot?.[file], b.directBoot?.[file]];
    if (pathA === pathB) continue;
    const [one, other] = await Promise.all([identify(pathA), identify(pathB)]);
    if (one?.sha256 !== other?.sha256) differences.push({ file, a: one, b: other });
  }
  return differences;
}

async function identify(path: string | undefined): Promise<Digest | undefined> {
  if (path === undefined) return undefined;
  const passing = new DigestStream();
  await pipeline(createReadStream(path), passing.resume());
  return passing.digest();
}
