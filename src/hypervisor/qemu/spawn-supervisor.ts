/** Starts the process that has a machine while it runs. */
import type { VmRecord } from "../../generated/vm-record.ts";
import { startDaemon } from "../../host/daemon.ts";
import { VmError } from "../errors.ts";
import { called } from "../refs.ts";
import { parseReport } from "../supervisor/report.ts";

/**
 * Resolves when the machine runs.
 *
 * @param options.signal Fires when nobody waits for that any longer: the machine is not started then, or ended again.
 * @throws {VmError} what the supervisor says; `vm-start-failed`; `signal.reason`
 */
export async function spawnSupervisor(
  command: readonly [string, ...string[]],
  record: VmRecord,
  { logFile, note, signal }: { logFile: string; note: (text: string) => void; signal: AbortSignal },
): Promise<void> {
  let failure: VmError | undefined;
  let isReady = false;
  await startDaemon(command, {
    ...{ logFile, signal },
    onReport: (raw) => {
      const report = parseReport(raw);
      if (report?.kind === "note") note(report.text);
      if (report?.kind === "ready") isReady = true;
      if (report?.kind === "failed") failure = new VmError(report.code, report.message, { blame: report.blame });
    },
  });
  if (failure !== undefined) throw failure;
  if (isReady) return;
  const message = `the supervisor of ${called(record)} has ended before the machine ran; "boxcar vm logs ${called(record)}" has what it said`;
  throw new VmError("vm-start-failed", message, { blame: "host" });
}
