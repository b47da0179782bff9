/**
 * UEFI for a machine: the program, which all share, and the variables, which are its own.
 *
 * @see QEMU docs/interop/firmware.json
 */
import { chmod, constants, copyFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { ignoreMissing } from "../host/durable-file.ts";
import type { FirmwareBuild } from "../host/qemu-help.ts";
import type { ResolvedMachine } from "./limits.ts";
import type { MachineFirmware } from "./ports.ts";

/** A build that enforces secure boot has all of these; the plain one has none. */
const SECURE = ["secure-boot", "enrolled-keys", "requires-smm"];

export const VARIABLES_NAME = "firmware-variables.fd";

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

/** In a folder of the machine's own. */
export function variablesFileOf(directory: string): string {
  return join(directory, VARIABLES_NAME);
}

/**
 * A machine that was started before has the variables that it wrote then, unless they are those of another build.
 *
 * @param directory Absolute path of a folder of the machine's own, which keeps its variables.
 */
export async function prepareFirmware(build: FirmwareBuild, directory: string): Promise<MachineFirmware> {
  const variablesFile = variablesFileOf(directory);
  const [own, pristine] = await Promise.all([stat(variablesFile).catch(ignoreMissing), stat(build.variables)]);
  if (own?.size !== pristine.size) await makeVariables(build.variables, variablesFile);
  return { codeFile: build.code, variablesFile };
}

/** Whole or not at all: what is half of it would be taken for the machine's own at the next start. */
async function makeVariables(pristine: string, target: string): Promise<void> {
  const part = `${target}.part`;
  await rm(part, { force: true });
  await copyFile(pristine, part, constants.COPYFILE_FICLONE);
  // Whatever it was among the files of its package.
  await chmod(part, 0o600);
  await rename(part, target);
}
