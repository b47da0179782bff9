/** How long a command takes, and the most memory that it and the programs it starts have at once. */
import { readFile } from "node:fs/promises";
import { execa } from "execa";

const SAMPLE_MS = 50;

export interface Measured {
  durationMs: number;
  /** The highest resident set of each process, added up. */
  memoryMiB: number;
}

export async function measure(command: readonly [string, ...string[]], cwd: string): Promise<Measured> {
  const [file, ...args] = command;
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
  const memoryMiB = [...highest.values()].reduce((sum, kib) => sum + kib, 0) / 1_024;
  return { durationMs: performance.now() - begin, memoryMiB };
}

/** The process and all that came of it. */
async function familyOf(pid: number): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  const families = await Promise.all(children.trim().split(" ").filter(Boolean).map(Number).map(familyOf));
  return [pid, ...families.flat()];
}
