/** What this host has left, and what a process has taken of it. */
import { readFile, statfs } from "node:fs/promises";

/** Memory that programs can still get without swapping, in MiB; proc(5), MemAvailable. */
export async function availableMemoryMiB(): Promise<number> {
  return kibibytesIn(await readFile("/proc/meminfo", "utf8"), "MemAvailable") / 1_024;
}

/** @param path Absolute path of a file or folder on the file system asked about. */
export async function freeDiskBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}

/** Memory a process has that no file backs, in MiB; 0 for one that is gone. proc(5), RssAnon. */
export async function privateMemoryMiB(pid: number): Promise<number> {
  try {
    return kibibytesIn(await readFile(`/proc/${pid}/status`, "utf8"), "RssAnon") / 1_024;
  } catch {
    return 0;
  }
}

function kibibytesIn(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1] ?? 0);
}
