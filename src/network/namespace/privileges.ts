/** Whether this process may make network namespaces as it is. */
import { readFile } from "node:fs/promises";

const NET_ADMIN = 12n;
const SYS_ADMIN = 21n;

/** Otherwise it takes a user namespace, in which anybody has all rights. */
export async function mayMakeNamespaces(): Promise<boolean> {
  // QEMU is to attach to devices of its own user, without any rights.
  return process.getuid?.() === 0 && hasRights(await readFile("/proc/self/status", "utf8"));
}

/** @param status As /proc/PID/status has it. Pure. */
export function hasRights(status: string): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (effective === undefined) return false;
  const bits = BigInt(`0x${effective}`);
  return [NET_ADMIN, SYS_ADMIN].every((bit) => (bits >> bit) & 1n);
}
