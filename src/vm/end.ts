/** How a machine ended, from what QEMU and the guest have said last. Pure. */
import type { ProcessExit } from "../host/process.ts";
import type { VmEndCause } from "./life.ts";
import type { VmNotice } from "./notices.ts";

/** How a machine ended. */
export interface VmEnd {
  readonly cause: VmEndCause;
  /** A sentence without the machine's name. */
  readonly message: string;
  /** The end of what the guest wrote to its serial console; "" if it wrote nothing. */
  readonly consoleTail: string;
  /** What went wrong before, in the order it was found. */
  readonly notices: readonly VmNotice[];
  /** QEMU has ended in order: all that its guest had written is in the files of its disks. */
  readonly orderly: boolean;
}

interface EndFacts {
  /** What was heard of first; undefined: nothing was. */
  readonly cause: VmEndCause | undefined;
  readonly exit: ProcessExit;
  readonly notices: readonly VmNotice[];
  readonly consoleTail: string;
}

export function describeEnd({ cause: heard, exit, notices, consoleTail }: EndFacts): VmEnd {
  const cause = causeOf(heard ?? "qemu-died", notices);
  const panic = notices.find(({ kind }) => kind === "kernel-panic");
  const message = cause === "guest-panic" && panic !== undefined ? panic.message : sentenceOf(cause, exit);
  return { cause, message, consoleTail, notices, orderly: exit.exitCode === 0 };
}

/** A kernel that panics without telling QEMU restarts its machine, or powers it off, and says why on the console. */
function causeOf(cause: VmEndCause, notices: readonly VmNotice[]): VmEndCause {
  const panicked = notices.some(({ kind }) => kind === "kernel-panic");
  return panicked && (cause === "guest-reset" || cause === "guest-shutdown") ? "guest-panic" : cause;
}

function sentenceOf(cause: VmEndCause, { exitCode, signal, stderrTail }: ProcessExit): string {
  switch (cause) {
    case "killed":
      return "the machine was thrown away";
    case "guest-shutdown":
      return "the guest powered its machine off";
    case "guest-reset":
      return "the guest restarted its machine";
    case "guest-panic":
      return "the kernel of the guest panicked";
    case "disk-full":
      return "the host's disk is full, and the disk of the machine could not be written";
    case "qemu-died": {
      const how = signal === undefined ? `with exit code ${exitCode}` : `by ${signal}`;
      return `QEMU ended ${how}${stderrTail === "" ? "" : `: ${stderrTail}`}`;
    }
  }
}
