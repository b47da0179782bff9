import type { MachineSnapshot } from "../generated/machine-snapshot.ts";

export function formatRecord(record: MachineSnapshot): string {
  return `${JSON.stringify(record, undefined, 2)}\n`;
}
