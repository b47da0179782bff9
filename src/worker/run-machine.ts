/**
 * The machine of a run while it lives, for people: see LiveMachine.
 *
 * *Borrows* the machine and its guest. A picture of the screen is written beside the log of the run, and removed once
 * it has been read.
 */
import { randomUUID } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { messageOf } from "../base/errors.ts";
import type { TaskMachine } from "../feature/feature.ts";
import { LiveMachineError } from "../feature/interactive/errors.ts";
import type { Keeper } from "../feature/interactive/keeper.ts";
import type { LiveMachine } from "../feature/interactive/live-machine.ts";
import type { InteractiveRequest } from "../feature/interactive/request.ts";
import type { GuestShell, ShellOptions } from "../guest/guest-shell.ts";
import { connectDisplay } from "../vm/connect-display.ts";
import { describeMachine, type ResolvedMachine } from "../vm/limits.ts";

export const MAX_VIEWERS = 50;

export interface RunMachineOptions {
  taskId: string;
  runId: number;
  hardware: ResolvedMachine;
  machine: Pick<TaskMachine, "guest" | "vm">;
  interactive: InteractiveRequest | undefined;
  /** Undefined: the machine goes with the end of its command. */
  keeper: Keeper | undefined;
  /** Absolute path of the folder of the run. */
  directory: string;
}

export class RunMachine implements LiveMachine {
  readonly taskId: string;
  readonly runId: number;
  readonly description: string;
  readonly memoryMiB: number;
  readonly hasDisplay: boolean;
  readonly interactive: InteractiveRequest | undefined;
  readonly ended: Promise<void>;
  readonly #machine: RunMachineOptions["machine"];
  readonly #keeper: Keeper | undefined;
  readonly #directory: string;
  #viewers = 0;
  #hasContact = false;
  #hasEnded = false;

  constructor({ taskId, runId, hardware, machine, interactive, keeper, directory }: RunMachineOptions) {
    this.taskId = taskId;
    this.runId = runId;
    this.description = describeMachine(hardware);
    this.memoryMiB = hardware.memory;
    this.hasDisplay = hardware.graphics !== "none";
    this.interactive = interactive;
    this.#machine = machine;
    this.#keeper = keeper;
    this.#directory = directory;
    this.ended = machine.vm.ending.then(() => {
      this.#hasEnded = true;
    });
    machine.guest.firstContact.then(
      () => {
        this.#hasContact = true;
      },
      () => {},
    );
  }

  get hasShell(): boolean {
    return this.#hasContact && !this.#hasEnded;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get keptUntil(): Date | undefined {
    return this.#keeper?.keptUntil;
  }

  get viewers(): number {
    return this.#viewers;
  }

  get shells(): number {
    return this.#machine.guest.shellCount;
  }

  async openDisplay(): Promise<Duplex> {
    this.#requireDisplay();
    if (this.#viewers >= MAX_VIEWERS) {
      throw new LiveMachineError("too-many-viewers", `${MAX_VIEWERS} displays of this machine are open; close one`);
    }
    this.#viewers += 1;
    try {
      const socket = await connectDisplay(this.#machine.vm.vncSocket);
      socket.once("close", () => {
        this.#viewers -= 1;
      });
      return socket;
    } catch (error) {
      this.#viewers -= 1;
      throw this.#gone(error);
    }
  }

  async openShell(options: ShellOptions): Promise<GuestShell> {
    if (this.#hasEnded) throw this.#gone();
    if (!this.#hasContact) {
      throw new LiveMachineError("no-shell", "the guest of this machine has not called home yet; try again later");
    }
    return await this.#machine.guest.openShell(options);
  }

  async screenshot(): Promise<Buffer> {
    this.#requireDisplay();
    const file = join(this.#directory, `screen-${randomUUID()}.png`);
    try {
      await this.#machine.vm.screenshot(file);
      return await readFile(file);
    } catch (error) {
      throw this.#hasEnded ? this.#gone(error) : error;
    } finally {
      await rm(file, { force: true });
    }
  }

  keep(ms: number): void {
    this.#requireKeeper().keep(ms);
  }

  release(): void {
    this.#requireKeeper().release();
  }

  #requireDisplay(): void {
    if (!this.hasDisplay) throw new LiveMachineError("no-display", "this machine has no graphics, so no screen");
    if (this.#hasEnded) throw this.#gone();
  }

  #requireKeeper(): Keeper {
    if (this.#keeper !== undefined) return this.#keeper;
    const message = 'its task has no "interactive" in its payload, so the machine goes with the end of its command';
    throw new LiveMachineError("not-interactive", message);
  }

  #gone(cause?: unknown): LiveMachineError {
    const why = cause === undefined || this.#hasEnded ? "it has ended" : messageOf(cause);
    return new LiveMachineError("machine-gone", `this machine cannot be reached: ${why}`, cause);
  }
}
