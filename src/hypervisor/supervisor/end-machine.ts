/** Ends a machine as politely as its guest lets it. */
import type { RunningMachine } from "../qemu/running-machine.ts";
import { type StopOptions, stopMachine } from "./stop-chain.ts";

/** Resolves when nothing of it is left; at once where it has ended before. */
export async function endMachine({ vm, guest }: RunningMachine, options: StopOptions): Promise<void> {
  // A guest that stands still hears nothing.
  if (vm.state === "paused") await vm.resume().catch(() => {});
  await stopMachine(
    {
      done: vm.done,
      ask: () => Promise.allSettled([vm.pressPowerButton(), powerOff(guest)]),
      quit: () => vm.quit(),
      terminate: () => vm.terminate(),
      kill: () => vm.kill(),
    },
    options,
  );
}

/** Where nothing in the guest listens to the power button, its agent may. */
async function powerOff(guest: RunningMachine["guest"]): Promise<unknown> {
  const script = "PATH=$PATH:/usr/sbin:/sbin; sync; exec poweroff";
  return await guest.exec({ command: ["sh", "-c", script], user: "root", cwd: "/" });
}
