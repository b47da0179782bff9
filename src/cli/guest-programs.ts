/** The programs for the guest that setup builds from src/guest. */
import { fileURLToPath } from "node:url";

const DIRECTORY = new URL("../../build/guest/", import.meta.url);

/** Absolute path; the file may be missing where setup has not run. */
export function guestProgramPath(name: "boxcar-agent" | "boxcar-init"): string {
  return fileURLToPath(new URL(name, DIRECTORY));
}

/** The agent for a platform as a guest names it; undefined if it is not built for that. */
export function agentFile(platform: string): string | undefined {
  return platform === "linux-x64" ? guestProgramPath("boxcar-agent") : undefined;
}
