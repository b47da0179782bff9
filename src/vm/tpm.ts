/**
 * A TPM 2.0 in software, of one machine alone.
 *
 * *Owns* the program. What it keeps is in a folder of the machine's: the same TPM as long as that is there. It begins
 * without certificates of a maker. It ends when QEMU hangs up, and when it is disposed.
 *
 * @see swtpm(8)
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { FIRST_SOCKET_FD, HostProcess } from "../host/process.ts";
import { TPM_EMULATOR } from "../host/qemu-capabilities.ts";

/** Folder of a TPM, in a folder of the machine's own. */
export const TPM_NAME = "tpm";

/** What a TPM remembers without power, in a folder of the machine's own; it is always whole. */
export function tpmStateFileOf(directory: string): string {
  return join(directory, TPM_NAME, "tpm2-00.permall");
}

export class SoftwareTpm implements AsyncDisposable {
  /** For QEMU to inherit. */
  readonly socket: Duplex;
  readonly #process: HostProcess;

  private constructor(process: HostProcess, socket: Duplex) {
    this.#process = process;
    this.socket = socket;
  }

  /** @param directory Absolute path of a folder that no other one uses; made, with a new TPM, if it is not there. */
  static async start(directory: string): Promise<SoftwareTpm> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const state = ["--tpm2", "--tpmstate", `dir=${directory}`, "--flags", "startup-clear"];
    const control = ["--ctrl", `type=unixio,clientfd=${FIRST_SOCKET_FD}`, "--terminate"];
    const process = HostProcess.start([TPM_EMULATOR, "socket", ...state, ...control], { sockets: 1 });
    const [socket] = process.sockets;
    if (socket === undefined) throw new Error(`${TPM_EMULATOR} was started without its socket`);
    return new SoftwareTpm(process, socket);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy();
    this.#process.kill();
    await this.#process.exited;
  }
}
