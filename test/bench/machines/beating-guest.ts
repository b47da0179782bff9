/** What the guest does whose machine is saved: it fills its memory, and says again and again that it lives. */
import type { GuestTask } from "../../../src/guest/guest-task.ts";

/** Printed by the guest when its memory is full. */
export const FILLED = "filled";
const BEAT = /\nbeat\r?\n/;
/** Of the memory; the rest is the system's. */
const SHARE = 0.7;

/** Its command goes on for ever, with a line on the serial console every few milliseconds. */
export function fillingTask(memoryMiB: number): GuestTask {
  const script = `mount -o remount,size=95% /dev/shm
yes 'not a page of zeroes' | head -c ${Math.round(memoryMiB * SHARE)}M > /dev/shm/data
echo ${FILLED}
exec perl -e 'open T, ">", "/dev/ttyS0"; while (1) { syswrite T, "beat\\n"; select undef, undef, undef, 0.02 }'`;
  return { command: ["sh", "-c", script], env: {}, tty: false, runId: 0 };
}

/** Resolves when the guest has said on its console that it lives; `listen` is called once with who hears it. */
export function heartbeat(listen: (hear: (chunk: Buffer) => void) => void): Promise<void> {
  return new Promise((resolve) => {
    let heard = "";
    listen((chunk) => {
      heard = (heard + chunk.toString("latin1")).slice(-100);
      if (BEAT.test(heard)) resolve();
    });
  });
}
