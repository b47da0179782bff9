/** Types into a machine what the recipe says, at the times it says. */
import { setTimeout as after } from "node:timers/promises";
import { QmpCommandError } from "../../qmp/errors.ts";
import type { VirtualMachine } from "../../vm/virtual-machine.ts";
import { BuildMachineError } from "../machine/errors.ts";
import type { KeyPresses } from "./keystrokes.ts";

/** QEMU holds a key for 100 ms; guests lose what comes faster. */
const BETWEEN_KEYS_MS = 150;

/**
 * Resolves when all is typed, or the machine has ended.
 *
 * @throws {BuildMachineError} QEMU has no key of that name; `signal.reason`.
 */
export async function typeKeys(vm: VirtualMachine, plan: readonly KeyPresses[], signal: AbortSignal): Promise<void> {
  const ended = new AbortController();
  void vm.ending.then(() => ended.abort());
  const either = AbortSignal.any([signal, ended.signal]);
  try {
    for (const { waitMs, presses } of plan) {
      await after(waitMs, undefined, { signal: either });
      for (const keys of presses) {
        await vm.pressKeys(keys);
        await after(BETWEEN_KEYS_MS, undefined, { signal: either });
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    if (ended.signal.aborted || vm.state === "stopping" || vm.state === "gone") return;
    if (!(error instanceof QmpCommandError)) throw error;
    throw new BuildMachineError("build-machine-failed", `a key cannot be pressed: ${error.message}`, { cause: error });
  }
}
