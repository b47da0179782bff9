/** The screen of a machine, for as many as may look at it. *Borrows* the machine. */
import { randomUUID } from "node:crypto";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import type { VmRecord } from "../../generated/vm-record.ts";
import { connectDisplay } from "../../vm/connect-display.ts";
import type { VirtualMachine } from "../../vm/virtual-machine.ts";
import { VmError } from "../errors.ts";
import { called } from "../refs.ts";

const MAX_DISPLAYS = 16;

export class Screen {
  #displays = 0;

  /** RFB, as QEMU speaks it. @throws {VmError} `vm-state`: it has none; `vm-busy`: too many look already. */
  async open(vm: VirtualMachine, record: VmRecord): Promise<Duplex> {
    requireDisplay(record);
    if (this.#displays >= MAX_DISPLAYS) throw new VmError("vm-busy", `${MAX_DISPLAYS} displays are open; close one`);
    this.#displays += 1;
    const free = () => {
      this.#displays -= 1;
    };
    try {
      const socket = await connectDisplay(vm.vncSocket);
      socket.once("close", free);
      return socket;
    } catch (error) {
      free();
      throw error;
    }
  }

  /** A PNG. @throws {VmError} `vm-state` */
  async take(vm: VirtualMachine, record: VmRecord): Promise<Buffer> {
    requireDisplay(record);
    const file = join(record.runDirectory, `screen-${randomUUID()}.png`);
    try {
      await vm.screenshot(file);
      return await readFile(file);
    } finally {
      await rm(file, { force: true });
    }
  }
}

function requireDisplay(record: VmRecord): void {
  if (record.machine.graphics !== "none") return;
  throw new VmError("vm-state", `${called(record)} has no graphics, so no screen`);
}
