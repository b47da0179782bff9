/** A guest's link wired to the tap device of a namespace, as QEMU would be: by a program that has no rights there. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { ADMINISTRATORS_PATH, runCommand } from "../../src/host/command.ts";
import type { NamespaceNetwork } from "../../src/network/namespace/namespace-network.ts";

const SOURCE = fileURLToPath(new URL("../fixtures/network/tap-cable.c", import.meta.url));

/** @returns the program. */
export async function buildTapCable(directory: string): Promise<string> {
  const program = join(directory, "tap-cable");
  await runCommand(["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", program, SOURCE]);
  return program;
}

export class TapCable implements AsyncDisposable {
  readonly link: Duplex;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.link = child.stdio[3] as Duplex;
  }

  /** @param guestSide What a guest would give to `UserNetwork.connect`. */
  static async plug(program: string, network: NamespaceNetwork, guestSide: Duplex): Promise<TapCable> {
    const [file = "", ...args] = [...network.enter, program, "tap0"];
    const child = spawn(file, args, { stdio: ["ignore", "pipe", "inherit", "pipe"] });
    const cable = new TapCable(child);
    const first = await Promise.race([once(child.stdout as Duplex, "data"), once(child, "exit")]);
    if (String(first[0]).trim() !== "ready") throw new Error(`the cable ended with ${first[0]}`);
    await untilUp(network);
    const { link } = cable;
    for (const end of [link, guestSide]) end.on("error", () => {});
    // Neither waits for the other: both programs wait until what they write is taken, and would wait for each other.
    link.on("data", (frames: Buffer) => void guestSide.write(frames));
    guestSide.on("data", (frames: Buffer) => void link.write(frames));
    return cable;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.link.destroy();
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exited;
  }
}

/** The kernel drops what is for a device until it has noticed that somebody is attached. */
async function untilUp({ enter }: NamespaceNetwork): Promise<void> {
  const show = [...enter, "ip", "-o", "link", "show", "tap0"] as const;
  for (let state = ""; !state.includes("state UP"); ) {
    state = (await runCommand([...show], { env: { PATH: ADMINISTRATORS_PATH } })).stdout;
  }
}
