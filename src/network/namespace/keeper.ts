/**
 * The process that is a machine's network namespace: set up by a script, then the keeper. See keeper.c.
 *
 *   starting ──script, listeners──▶ ready ──killed, or its worker is gone──▶ nothing is left
 *
 * *Owns* the process; killing it ends the namespace when nothing else is in it.
 */
import type { Duplex } from "node:stream";
import { orTimeout } from "../../base/abort.ts";
import { ADMINISTRATORS_PATH, runCommand } from "../../host/command.ts";
import { HostProcess } from "../../host/process.ts";
import { ADDRESSING } from "../addressing.ts";
import { tryParseMessage } from "./handles.ts";
import { DHCP_PORT, OUTSIDE_LISTENER, PROXY_PORT, TAP, TUN } from "./names.ts";
import { namespaceError } from "./namespace-error.ts";
import { type SetupOptions, setupScript } from "./setup-script.ts";

export interface KeeperOptions extends Omit<SetupOptions, "uid"> {
  /** Of the compiled program; absolute. */
  program: string;
  /** Whether the namespace belongs to a user namespace of its own, for which no privileges are needed. */
  userNamespace: boolean;
}

const { metadataAddress, metadataPort } = ADDRESSING;
const SERVICES = [
  `tcp,metadata,${metadataAddress},${metadataPort}`,
  `tcp,proxy,${metadataAddress},${PROXY_PORT}`,
  `transparent,outside,${OUTSIDE_LISTENER.address},${OUTSIDE_LISTENER.port}`,
  `broadcast,dhcp,${TAP},${DHCP_PORT}`,
];
const ENVIRONMENT = { PATH: ADMINISTRATORS_PATH, LC_ALL: "C" };
const SETUP_TIMEOUT_MS = 10_000;
const COMMAND_TIMEOUT_MS = 10_000;

export class Keeper implements AsyncDisposable {
  /** Packets of the tun device, with a prefix of 4 bytes. */
  readonly packets: Duplex;
  /** What it has handed over, by name. */
  readonly handles: ReadonlyMap<string, unknown>;
  /** Settles when the process is gone, with the reason; never rejects. */
  readonly gone: Promise<string>;
  readonly pid: number;
  readonly #process: HostProcess;
  readonly #enter: [string, ...string[]];
  #isGone = false;

  private constructor(
    process: HostProcess,
    pid: number,
    handles: ReadonlyMap<string, unknown>,
    userNamespace: boolean,
  ) {
    const [packets] = process.sockets;
    if (packets === undefined) throw new Error("the keeper was started without its socket");
    this.#process = process;
    this.pid = pid;
    this.packets = packets;
    this.handles = handles;
    this.#enter = enterCommand(pid, userNamespace);
    this.gone = process.exited.then(({ stderrTail, signal, exitCode }) => {
      this.#isGone = true;
      return stderrTail || (signal === undefined ? `exit code ${exitCode}` : `signal ${signal}`);
    });
  }

  /** @throws {WorkerError} `network-namespace-failed`; nothing is left then. */
  static async start(options: KeeperOptions): Promise<Keeper> {
    const { program, userNamespace } = options;
    const handles = new Map<string, unknown>();
    const ready = Promise.withResolvers<"ready">();
    // The user who starts it is root in a user namespace of his own.
    const script = setupScript({ ...options, uid: userNamespace ? 0 : (process.getuid?.() ?? 0) });
    const namespaces = ["--net", ...(userNamespace ? ["--user", "--map-root-user"] : [])];
    const child = HostProcess.start(
      ["unshare", ...namespaces, "--", "sh", "-c", script, "sh", program, TUN, ...SERVICES],
      {
        sockets: 1,
        env: ENVIRONMENT,
        onMessage: (raw, handle) => {
          const message = tryParseMessage(raw);
          if (message === undefined) return;
          if ("ready" in message) ready.resolve("ready");
          else handles.set(message.service, handle);
        },
      },
    );
    try {
      const late = () => namespaceError(`a network namespace was not set up within ${SETUP_TIMEOUT_MS} ms`);
      const first = await orTimeout(Promise.race([ready.promise, child.exited]), SETUP_TIMEOUT_MS, late);
      if (first !== "ready" || child.pid === undefined) {
        const why = first === "ready" ? "" : first.stderrTail || `exit code ${first.exitCode}`;
        throw namespaceError(`a network namespace could not be set up: ${why}`);
      }
      return new Keeper(child, child.pid, handles, userNamespace);
    } catch (error) {
      child.kill();
      await child.exited;
      for (const handle of handles.values()) closeHandle(handle);
      throw error;
    }
  }

  /**
   * What comes before a command so that it runs in the namespace, with all rights there.
   *
   * @throws {WorkerError} There is no namespace any more.
   */
  get enter(): readonly [string, ...string[]] {
    // Its number may be somebody else's by now.
    if (this.#isGone) throw namespaceError("the machine's network namespace has ended");
    return this.#enter;
  }

  /** Runs a command in the namespace. @throws {CommandError} It failed; {@link WorkerError}: there is no namespace. */
  async run(command: readonly string[], input?: string): Promise<string> {
    const { stdout } = await runCommand([...this.enter, ...command], {
      env: ENVIRONMENT,
      timeoutMs: COMMAND_TIMEOUT_MS,
      ...(input === undefined ? {} : { input }),
    });
    return stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill();
    this.packets.destroy();
    await this.gone;
  }
}

/** Pure. The process must be the caller's own child, so that its number is nobody else's. */
export function enterCommand(pid: number, userNamespace: boolean): [string, ...string[]] {
  const user = userNamespace ? [`--user=/proc/${pid}/ns/user`, "--preserve-credentials"] : [];
  return ["nsenter", ...user, `--net=/proc/${pid}/ns/net`, "--"];
}

/** A handle that nobody has made a server of. */
function closeHandle(handle: unknown): void {
  if (typeof handle === "object" && handle !== null && "close" in handle && typeof handle.close === "function") {
    handle.close();
  }
}
