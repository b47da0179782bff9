import { WorkerError } from "../base/errors.ts";
import type { VmEnd } from "../vm/virtual-machine.ts";
import { describeConsole } from "./console-tail.ts";

/** The machine ended while its guest was needed. */
export class GuestGoneError extends WorkerError {
  readonly end: VmEnd;

  constructor(end: VmEnd) {
    const blame = end.cause === "qemu-died" || end.cause === "killed" ? "host" : "task";
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
