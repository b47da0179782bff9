/** Processes of machines, found as an operator would find them. */
import { readdir, readFile } from "node:fs/promises";

export type Victim = "command" | "supervisor" | "emulator";

/** Process ids of the supervisors, or of QEMU, whose command line names something below `directory` or that id. */
export async function findProcesses(kind: Exclude<Victim, "command">, word: string): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const command = await readFile(`/proc/${name}/cmdline`, "utf8").catch(() => "");
    const isOne = kind === "emulator" ? command.startsWith("qemu-system") : command.includes("\0vm-supervisor\0");
    // What only starts one has its words, too.
    if (isOne && command.includes(word) && !/^(?:env|setpriv|prlimit)\0/.test(command)) found.push(Number(name));
  }
  return found;
}

export function kill(pid: number): boolean {
  try {
    return process.kill(pid, "SIGKILL");
  } catch {
    return false;
  }
}
