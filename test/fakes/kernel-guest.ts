/**
 * A guest with the kernel's own TCP stack and no machine around it: a network
 * namespace behind a tap device, connected like a QEMU network card. Needs
 * root, /dev/net/tun and a C compiler.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { runCommand } from "../../src/host/command.ts";
import { ADDRESSING } from "../../src/network/addressing.ts";
import { MACHINE_MAC } from "./fake-guest.ts";

const FIXTURES = fileURLToPath(new URL("../fixtures/network/", import.meta.url));

/** Why this machine cannot run it, or undefined if it can. */
export function whyNoKernelGuest(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  try {
    accessSync("/dev/net/tun", constants.R_OK | constants.W_OK);
    return undefined;
  } catch {
    return "needs /dev/net/tun";
  }
}

export class KernelGuest implements AsyncDisposable {
  /** For `UserNetwork.connect`. */
  readonly link: Duplex;
  readonly #bridge: ChildProcess;
  readonly #directory: string;

  private constructor(bridge: ChildProcess, directory: string) {
    this.#bridge = bridge;
    this.#directory = directory;
    this.link = bridge.stdio[3] as Duplex;
  }

  static async start(mtu: number): Promise<KernelGuest> {
    const directory = await mkdtemp(join(tmpdir(), "boxcar-tap-"));
    const program = join(directory, "tap-bridge");
    await runCommand(["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", program, join(FIXTURES, "tap-bridge.c")]);
    const { guestAddress, prefixLength, gatewayAddress } = ADDRESSING;
    const bridge = spawn(program, [MACHINE_MAC, guestAddress, String(prefixLength), gatewayAddress, String(mtu)], {
      stdio: ["ignore", "pipe", "inherit", "pipe"],
    });
    const guest = new KernelGuest(bridge, directory);
    const first = await Promise.race([once(bridge.stdout as Duplex, "data"), once(bridge, "exit")]);
    if (String(first[0]).trim() === "ready") return guest;
    await guest[Symbol.asyncDispose]();
    throw new Error(`the tap bridge ended with ${first[0]}`);
  }

  /** What comes before a command so that it runs inside. */
  get enter(): readonly string[] {
    return ["nsenter", `--net=/proc/${this.#bridge.pid}/ns/net`];
  }

  /** Runs the client fixture inside; see there for its arguments. */
  client(...args: string[]): Promise<unknown> {
    return this.#run("client.ts", args);
  }

  /** Runs the fixture for places outside; see there for its arguments. */
  outsideClient(...args: string[]): Promise<unknown> {
    return this.#run("outside-client.ts", args);
  }

  async #run(fixture: string, args: readonly string[]): Promise<unknown> {
    const client = [process.execPath, join(FIXTURES, fixture), ...args];
    const { stdout } = await runCommand([...(this.enter as [string]), ...client]);
    return JSON.parse(stdout);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#bridge.exitCode === null && this.#bridge.signalCode === null) {
      const exited = once(this.#bridge, "exit");
      this.#bridge.kill("SIGKILL");
      await exited;
    }
    await rm(this.#directory, { recursive: true, force: true });
  }
}
