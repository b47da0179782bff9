/** How long a command takes, and the most memory that it and the programs it starts have at once. */
import { readFile } from "node:fs/promises";
import { execa } from "execa";

const SAMPLE_MS = 50;
/** Linux counts the times of processes in these, whatever its own clock does. */
const TICKS_PER_SECOND = 100;

export interface Measured {
  durationMs: number;
  /** Of all processors, for the program and the kernel. Other work on the host makes it longer, but not as much. */
  cpuMs: number;
  /** The highest resident set of each process, added up. */
  memoryMiB: number;
}

/** Nothing else may be started by this process meanwhile. */
export async function measure(command: readonly [string, ...string[]], cwd: string): Promise<Measured> {
  const [file, ...args] = command;
  const cpuBefore = await cpuOfChildren();
  const begin = performance.now();
  const child = execa(file, args, { cwd, stdio: ["ignore", "ignore", "inherit"] });
  const highest = new Map<number, number>();
  const sample = async () => {
    for (const pid of await familyOf(child.pid as number)) {
      const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
      const kib = Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0);
      highest.set(pid, Math.max(kib, highest.get(pid) ?? 0));
    }
  };
  const timer = setInterval(() => void sample(), SAMPLE_MS);
  try {
    await child;
  } finally {
    clearInterval(timer);
  }
  const durationMs = performance.now() - begin;
  const memoryMiB = [...highest.values()].reduce((sum, kib) => sum + kib, 0) / 1_024;
  return { durationMs, cpuMs: (await cpuOfChildren()) - cpuBefore, memoryMiB };
}

/** Milliseconds that the programs took which this process has started and which have ended, with what those started. */
async function cpuOfChildren(): Promise<number> {
  const stat = await readFile("/proc/self/stat", "utf8");
  // The name, in brackets, may have spaces; after it come fields 3, 4 …
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [user, system] = [fields[16 - 3], fields[17 - 3]];
  return ((Number(user) + Number(system)) * 1_000) / TICKS_PER_SECOND;
}

/** The process and all that came of it. */
async function familyOf(pid: number): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  const families = await Promise.all(children.trim().split(" ").filter(Boolean).map(Number).map(familyOf));
  return [pid, ...families.flat()];
}
