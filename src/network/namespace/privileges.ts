/** Whether this process may make network namespaces as it is. */
import { Capability, hasRights } from "../../host/rights.ts";

/** Otherwise it takes a user namespace, in which anybody has all rights. */
export async function mayMakeNamespaces(): Promise<boolean> {
  // QEMU is to attach to devices of its own user, without any rights.
  return process.getuid?.() === 0 && (await hasRights(Capability.netAdmin, Capability.sysAdmin));
}
