/**
 * A machine of QEMU without a disk: its firmware shows a screen, and takes keys. *Owns* QEMU and its folder.
 */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { createWebSocketStream, type WebSocket } from "ws";

interface Qemu {
  kill(): boolean;
  catch(handler: () => void): Promise<unknown>;
}

export class VncMachine implements AsyncDisposable {
  readonly #folder: string;
  readonly #qemu: Qemu;

  private constructor(folder: string, qemu: Qemu) {
    this.#folder = folder;
    this.#qemu = qemu;
  }

  /** Resolves when its screen can be asked for. */
  static async start(): Promise<VncMachine> {
    const folder = await mkdtemp(join(tmpdir(), "boxcar-vnc-"));
    const qemu = execa("qemu-system-x86_64", [
      ...["-nodefaults", "-no-user-config", "-m", "32", "-accel", "tcg", "-vga", "std"],
      // The firmware waits for a key for a minute, and shows a menu at Esc.
      ...["-boot", "menu=on,splash-time=60000"],
      ...["-vnc", `unix:${join(folder, "vnc")}`, "-qmp", "stdio"],
    ]);
    // QEMU greets when its sockets are there.
    await Promise.race([once(qemu.stdout, "data"), qemu]);
    return new VncMachine(folder, qemu);
  }

  /** Bytes both ways, as a worker does it. */
  serve(client: WebSocket): void {
    const socket = connect(join(this.#folder, "vnc"));
    const stream = createWebSocketStream(client);
    socket.on("error", () => client.close());
    stream.on("error", () => socket.destroy());
    stream.pipe(socket).pipe(stream);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#qemu.kill();
    await this.#qemu.catch(() => {});
    await rm(this.#folder, { recursive: true, force: true });
  }
}
