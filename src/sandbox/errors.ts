import { WorkerError } from "../base/errors.ts";
import type { VmEnd } from "../vm/end.ts";
import { describeConsole } from "./console-tail.ts";

const HOST_CAUSES: ReadonlySet<VmEnd["cause"]> = new Set(["qemu-died", "killed", "disk-full"]);

/** The machine ended while its guest was needed. */
export class GuestGoneError extends WorkerError {
  readonly end: VmEnd;

  constructor(end: VmEnd) {
    const blame = HOST_CAUSES.has(end.cause) ? "host" : "task";
    super(`${end.message}${describeConsole(end.consoleTail)}`, {
      code: end.cause,
      blame,
      details: { cause: end.cause },
    });
    this.end = end;
  }
}

/** The guest never asked for its task. */
export class GuestSilentError extends WorkerError {
  constructor(message: string, consoleTail: string) {
    super(`${message}; is an agent in the image, and does it boot?${describeConsole(consoleTail)}`, {
      code: "guest-silent",
      blame: "image",
    });
  }
}
