/** Records of machines, as documents. */
import { messageOf } from "../base/errors.ts";
import type { VmRecord } from "../generated/vm-record.ts";
import { parseAs } from "../schema/parse.ts";
import { VmError } from "./errors.ts";

/** @throws {VmError} `vm-record-broken` */
export function parseRecord(text: string, id: string): VmRecord {
  let record: VmRecord;
  try {
    record = parseAs("vm-record", JSON.parse(text), { subject: `The record of the machine ${id}`, blame: "host" });
  } catch (cause) {
    const message = `the record of the machine ${id} cannot be read: ${messageOf(cause)}`;
    throw new VmError("vm-record-broken", message, { blame: "host", cause });
  }
  if (record.id === id) return record;
  throw new VmError("vm-record-broken", `the record in the folder of ${id} is that of ${record.id}`, { blame: "host" });
}

export function formatRecord(record: VmRecord): string {
  return `${JSON.stringify(record, undefined, 2)}\n`;
}
