/** Which machines cannot be saved, known before they are started. Pure. */
import type { Machine } from "../generated/machine.ts";

/**
 * As a clause; undefined: nothing is known.
 *
 * @see QEMU hw/nvme/ctrl.c, whose state cannot be migrated
 */
export function findSavingObstacle({ storage }: Pick<Machine, "storage">): string | undefined {
  return storage === "nvme" ? "QEMU cannot save the state of its disk (storage: nvme)" : undefined;
}
