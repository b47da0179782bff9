/** Files of this host that a machine has by their names, as long as it is there: what it boots, and its CDs. */
import { access, constants } from "node:fs/promises";
import type { VmRecord } from "../../generated/vm-record.ts";
import { VmError } from "../errors.ts";
import { called } from "../refs.ts";

/** @throws {VmError} `vm-state`: one of them is gone, or not for this user. */
export async function requireHostFiles(record: Pick<VmRecord, "id" | "name" | "directBoot" | "cdroms" | "goesOn">) {
  for (const { what, file } of hostFilesOf(record)) {
    try {
      await access(file, constants.R_OK);
    } catch (cause) {
      const message = `the ${what} of ${called(record)}, ${file}, cannot be read any more; put it back, or remove the machine`;
      throw new VmError("vm-state", message, { cause });
    }
  }
}

/** What goes on has copies of its CDs. */
function hostFilesOf({ directBoot, cdroms = [], goesOn }: Pick<VmRecord, "directBoot" | "cdroms" | "goesOn">) {
  const { kernel, initrd } = directBoot ?? {};
  return [
    ...(kernel === undefined ? [] : [{ what: "kernel", file: kernel }]),
    ...(initrd === undefined ? [] : [{ what: "initial RAM disk", file: initrd }]),
    ...(goesOn === undefined ? cdroms : []).map((file) => ({ what: "CD", file })),
  ];
}
