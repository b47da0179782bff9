/** Ends a machine so that its disk is whole. */
import { orAborted, orTimeout } from "../../base/abort.ts";
import { formatDuration } from "../../base/units.ts";
import type { VmEnd } from "../../vm/end.ts";
import type { BuildMachine } from "./build-machine.ts";
import { BuildMachineError } from "./errors.ts";
import { POWER_OFF } from "./guest-scripts.ts";

/** After this the power button is pressed, as a person would. */
const PATIENCE_MS = 60_000;
/** Services that do not stop are killed by systemd after 90 s. */
const LAST_PATIENCE_MS = 180_000;
const MAX_WHY = 500;

/** @throws {BuildMachineError} `build-machine-failed`: it does not end, or not in order; `signal.reason`. */
export async function powerOff({ vm, guest }: BuildMachine, signal: AbortSignal): Promise<void> {
  // No answer is to be expected of a guest that does what it is asked for.
  const refused = guest.exec({ command: ["sh", "-c", POWER_OFF], user: "root", cwd: "/" }, { signal }).then(
    ({ exitCode, output }) => {
      if (exitCode === 0) return vm.done;
      const why = output.toString("utf8").trim().slice(-MAX_WHY);
      throw new BuildMachineError("build-machine-failed", `the guest does not power its machine off: ${why}`);
    },
    () => vm.done,
  );
  const over = Promise.race([vm.done, refused]);
  const late = new Error("late");
  const isOver = async (timeoutMs: number): Promise<VmEnd | undefined> => {
    try {
      return await orAborted(
        orTimeout(over, timeoutMs, () => late),
        signal,
      );
    } catch (error) {
      if (error === late) return undefined;
      throw error;
    }
  };
  let end = await isOver(PATIENCE_MS);
  if (end === undefined) {
    await vm.pressPowerButton().catch(() => {});
    end = await isOver(LAST_PATIENCE_MS);
  }
  if (end === undefined) {
    const total = formatDuration(PATIENCE_MS + LAST_PATIENCE_MS);
    throw new BuildMachineError("build-machine-failed", `the guest did not power its machine off within ${total}`);
  }
  requireOrderlyEnd(end);
}

/** @throws {BuildMachineError} The disk may not hold all that the guest wrote. */
export function requireOrderlyEnd({ cause, message, orderly }: VmEnd): void {
  if (cause === "guest-shutdown" && orderly) return;
  const what = cause === "guest-shutdown" ? "QEMU did not write all of the disk" : message;
  throw new BuildMachineError("build-machine-failed", `the disk is not to be trusted: ${what}`, {
    blame: cause === "guest-reset" || cause === "guest-panic" ? "task" : "host",
  });
}
