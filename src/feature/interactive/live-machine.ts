/** The port to the machine of a run, for people: its display, shells in it, how long it stays. */
import type { Duplex } from "node:stream";
import type { GuestShell, ShellOptions } from "../../guest/guest-shell.ts";
import type { InteractiveRequest } from "./request.ts";

export interface LiveMachine {
  readonly taskId: string;
  readonly runId: number;
  /** Its hardware, in words. */
  readonly description: string;
  readonly memoryMiB: number;
  readonly hasDisplay: boolean;
  /** Its guest has called home. */
  readonly hasShell: boolean;
  /** What its task says of a person; undefined: it is for none. */
  readonly interactive: InteractiveRequest | undefined;
  /** Its command has ended; undefined while that runs. */
  readonly keptUntil: Date | undefined;
  /** Displays that are open. */
  readonly viewers: number;
  /** Shells that are open. */
  readonly shells: number;
  /** Resolves when the machine has begun to end; never rejects. */
  readonly ended: Promise<void>;
  /**
   * What QEMU says over RFB, and takes. Whoever opens it owns it.
   *
   * @throws {LiveMachineError} `no-display`, `too-many-viewers`, `machine-gone`
   */
  openDisplay(): Promise<Duplex>;
  /** @throws {LiveMachineError} `no-shell`; {@link GuestError} */
  openShell(options: ShellOptions): Promise<GuestShell>;
  /** What its screen shows, a PNG. @throws {LiveMachineError} `no-display`, `machine-gone` */
  screenshot(): Promise<Buffer>;
  /** @throws {LiveMachineError} `not-interactive` */
  keep(ms: number): void;
  /** @throws {LiveMachineError} `not-interactive` */
  release(): void;
}
