import { orAborted, orTimeout } from "../../base/abort.ts";
import { formatDuration } from "../../base/units.ts";
import type { GuestSession } from "../../guest/guest-session.ts";
import { VmError } from "../errors.ts";

/** @throws {VmError} `vm-silent`; {@link GuestGoneError}; `signal.reason` */
export async function untilContact(guest: GuestSession, timeoutMs: number, signal: AbortSignal): Promise<void> {
  const silent = () =>
    new VmError(
      "vm-silent",
      `the guest has not called home within ${formatDuration(timeoutMs)}; is an agent in its image? "boxcar vm console" shows what it does`,
      { blame: "image" },
    );
  await orAborted(orTimeout(guest.firstContact, timeoutMs, silent), signal);
}
