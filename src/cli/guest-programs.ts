/** The programs for the guest that setup builds from src/guest. */
import { access } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { WorkerError } from "../base/errors.ts";

export type GuestProgram = "boxcar-agent" | "boxcar-init" | "boxcar-inspect";

const DIRECTORY = new URL("../../build/guest/", import.meta.url);

/** Absolute path; the file may be missing where setup has not run. */
export function guestProgramPath(name: GuestProgram): string {
  return fileURLToPath(new URL(name, DIRECTORY));
}

/** The agent for a platform as a guest names it; undefined if it is not built for that. */
export function agentFile(platform: string): string | undefined {
  return platform === "linux-x64" ? guestProgramPath("boxcar-agent") : undefined;
}

/** Absolute path. @throws {WorkerError} `guest-program-missing` */
export async function guestProgram(name: GuestProgram): Promise<string> {
  const file = guestProgramPath(name);
  try {
    await access(file);
    return file;
  } catch (cause) {
    throw new WorkerError(`${file} is missing; "bash scripts/setup.sh --no-image" builds it`, {
      code: "guest-program-missing",
      blame: "host",
      cause,
    });
  }
}
