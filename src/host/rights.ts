/** What this process may do beyond what its user may (capabilities(7)), and how a program is started without any of it. */
import { readFile } from "node:fs/promises";

/** Numbers of capabilities, as in linux/capability.h. */
export const Capability = { setpcap: 8, netAdmin: 12, sysAdmin: 21 } as const;

export async function hasRights(...capabilities: readonly number[]): Promise<boolean> {
  return grants(await readFile("/proc/self/status", "utf8"), capabilities);
}

/** @param status As /proc/PID/status has it. Pure. */
export function grants(status: string, capabilities: readonly number[]): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (effective === undefined) return false;
  const bits = BigInt(`0x${effective}`);
  return capabilities.every((number) => (bits >> BigInt(number)) & 1n);
}

/**
 * What comes before a command so that it has no rights and can never get any; its user's files stay its own. Pure.
 *
 * @param bounded Whether who starts it may lower the bound of rights, without which root gets them back.
 */
export function withoutRights(bounded: boolean): readonly [string, ...string[]] {
  const bound = bounded ? ["--bounding-set=-all"] : [];
  return ["setpriv", "--no-new-privs", "--inh-caps=-all", "--ambient-caps=-all", ...bound, "--"];
}

/**
 * What comes before a command so that of all rights it has at most the one to read files of others, if this process
 * has that. Pure.
 *
 * @param bounded As for {@link withoutRights}.
 */
export function withRightToRead(bounded: boolean): readonly [string, ...string[]] {
  const bound = bounded ? ["--bounding-set=-all,+dac_read_search"] : [];
  return ["setpriv", "--no-new-privs", "--inh-caps=-all", "--ambient-caps=-all", ...bound, "--"];
}
