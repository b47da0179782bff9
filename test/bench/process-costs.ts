/** What processes take of their host, as Linux counts it. */
import { readFile } from "node:fs/promises";

/** USER_HZ of every Linux that Node runs on. */
const MS_PER_TICK = 10;

/** The process and its children. */
export async function family(pid: number): Promise<number[]> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).trim();
  return [pid, ...(children === "" ? [] : children.split(" ").map(Number))];
}

/** Proportional set size: what is shared counts in part for each who shares it. */
export async function pssKiB(pids: readonly number[]): Promise<number> {
  return await sum(pids, async (pid) => amountOf("Pss", await readFile(`/proc/${pid}/smaps_rollup`, "utf8")));
}

export async function rssKiB(pid: number): Promise<number> {
  return amountOf("VmRSS", await readFile(`/proc/${pid}/status`, "utf8"));
}

/** Of the processes, and of their children that have ended. */
export async function cpuMs(pids: readonly number[]): Promise<number> {
  return await sum(pids, async (pid) => {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    // utime, stime, and those of children that were waited for; see proc(5).
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields.slice(11, 15).reduce((total, ticks) => total + Number(ticks), 0) * MS_PER_TICK;
  });
}

/** Those that have gone meanwhile count nothing. */
async function sum(pids: readonly number[], of: (pid: number) => Promise<number>): Promise<number> {
  const each = await Promise.all(pids.map((pid) => of(pid).catch(() => 0)));
  return each.reduce((total, next) => total + next, 0);
}

function amountOf(name: string, text: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
}
