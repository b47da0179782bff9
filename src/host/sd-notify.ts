/**
 * Tells systemd how the service is: sd_notify(3).
 *
 * Node cannot send to a datagram socket of a path, so `systemd-notify` does; it waits until systemd has read the message,
 * which is why that may come from a process that has ended (the unit needs NotifyAccess=all). Messages are sent one
 * after the other. What goes wrong is logged and never thrown: the service runs on without.
 */
import { messageOf } from "../base/errors.ts";
import { type Logger, silentLogger } from "../base/log.ts";
import { CommandError, runCommand } from "./command.ts";

/** Far above what it takes, and below the shortest watchdog that makes sense. */
const TIMEOUT_MS = 10_000;

const MAX_STATUS_CHARACTERS = 200;

export interface SystemdNotifierOptions {
  /** Of the process that the watchdog is about; the parent of `pid` counts too, as it may have started Node only. */
  pid?: number;
  ppid?: number;
  logger?: Logger;
}

export class SystemdNotifier implements AsyncDisposable {
  readonly #socket: string | undefined;
  readonly #logger: Logger;
  /** How long systemd waits for a sign of life; undefined: it does not. */
  readonly watchdogMs: number | undefined;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  #broken = false;
  #timer: NodeJS.Timeout | undefined;

  private constructor(socket: string | undefined, watchdogMs: number | undefined, logger: Logger) {
    this.#socket = socket;
    this.watchdogMs = watchdogMs;
    this.#logger = logger;
  }

  /** Does nothing where `env` has no NOTIFY_SOCKET: nobody listens. */
  static fromEnvironment(
    env: Readonly<Record<string, string | undefined>>,
    { pid = process.pid, ppid = process.ppid, logger = silentLogger }: SystemdNotifierOptions = {},
  ): SystemdNotifier {
    const socket = env["NOTIFY_SOCKET"] || undefined;
    return new SystemdNotifier(socket, socket === undefined ? undefined : watchdogOf(env, [pid, ppid]), logger);
  }

  get enabled(): boolean {
    return this.#socket !== undefined;
  }

  /** The service has started. Resolves when systemd knows, as the others do. */
  ready(status?: string): Promise<void> {
    return this.#send("READY=1", ...statusOf(status));
  }

  /** What `systemctl status` shows: one line. */
  status(text: string): Promise<void> {
    return this.#send(...statusOf(text));
  }

  /** The service ends now, and takes its time. */
  stopping(status?: string): Promise<void> {
    return this.#send("STOPPING=1", ...statusOf(status));
  }

  /**
   * Says that the service lives, at once and at half of what systemd waits, as long as `isHealthy()`. Nothing, where
   * systemd does not wait. Ends with the notifier; to call it again replaces the question.
   */
  startWatchdog(isHealthy: () => boolean): void {
    clearInterval(this.#timer);
    if (this.watchdogMs === undefined) return;
    const tell = () => {
      // One that waits already says the same.
      if (this.#waiting === 0 && isHealthy()) void this.#send("WATCHDOG=1");
    };
    tell();
    this.#timer = setInterval(tell, this.watchdogMs / 2);
    this.#timer.unref();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#last;
  }

  #send(...assignments: readonly string[]): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined || this.#broken) return Promise.resolve();
    this.#waiting++;
    this.#last = this.#last.then(() => this.#run(socket, assignments)).finally(() => this.#waiting--);
    return this.#last;
  }

  async #run(socket: string, assignments: readonly string[]): Promise<void> {
    if (this.#broken) return;
    try {
      await runCommand(["systemd-notify", ...assignments], { env: { NOTIFY_SOCKET: socket }, timeoutMs: TIMEOUT_MS });
    } catch (error) {
      this.#broken = isMissing(error);
      const why = messageOf(error);
      this.#logger.log("warn", "systemd could not be told how the service is", { why, message: assignments.join(" ") });
    }
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof CommandError && error.code === "command-not-found";
}

function statusOf(text: string | undefined): string[] {
  if (text === undefined) return [];
  return [`STATUS=${text.replace(/\s+/g, " ").trim().slice(0, MAX_STATUS_CHARACTERS)}`];
}

/** `WATCHDOG_PID` says whom it is about: a service hands its environment on to others. */
function watchdogOf(
  { WATCHDOG_USEC: usec, WATCHDOG_PID: pid }: Readonly<Record<string, string | undefined>>,
  own: readonly number[],
): number | undefined {
  if (pid !== undefined && pid !== "" && !own.includes(Number(pid))) return undefined;
  const ms = Number(usec) / 1_000;
  return ms > 0 ? ms : undefined;
}
