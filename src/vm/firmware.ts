/**
 * UEFI for a machine: the program, which all share, and the variables, which are its own.
 *
 * @see QEMU docs/interop/firmware.json
 */
import { chmod, constants, copyFile } from "node:fs/promises";
import { join } from "node:path";
import type { FirmwareBuild } from "../host/qemu-help.ts";
import type { ResolvedMachine } from "./limits.ts";
import type { MachineFirmware } from "./ports.ts";

/** A build that enforces secure boot has all of these; the plain one has none. */
const SECURE = ["secure-boot", "enrolled-keys", "requires-smm"];

const BOARD_NAMES: Readonly<Record<ResolvedMachine["chipset"], string>> = {
  q35: "pc-q35-",
  pc: "pc-i440fx-",
  microvm: "microvm",
};

/** The build a machine asks for, if there is one. */
export function chooseFirmware(
  { chipset, firmware }: ResolvedMachine,
  builds: readonly FirmwareBuild[],
): FirmwareBuild | undefined {
  return builds.find(({ boards, features }) => {
    const secure = SECURE.filter((feature) => features.includes(feature)).length;
    return (
      boards.some((board) => board.startsWith(BOARD_NAMES[chipset])) &&
      secure === (firmware === "uefi-secure" ? SECURE.length : 0)
    );
  });
}

/** @param directory Absolute path of a folder of the machine's own, which gets its variables. */
export async function copyFirmware(build: FirmwareBuild, directory: string): Promise<MachineFirmware> {
  const variablesFile = join(directory, "firmware-variables.fd");
  await copyFile(build.variables, variablesFile, constants.COPYFILE_FICLONE);
  // Whatever it was among the files of its package.
  await chmod(variablesFile, 0o600);
  return { codeFile: build.code, variablesFile };
}
