/** A machine that runs, by way of its supervisor. */
import type { Duplex, Readable } from "node:stream";
import type { WebSocket } from "ws";
import { formatDuration } from "../base/units.ts";
import { ControlClient, type VmFacts } from "./control-client.ts";
import { VmError } from "./errors.ts";
import type { ExecVmOptions, LiveVm, SavedVm, SaveVmOptions } from "./hypervisor.ts";

export class SupervisorClient implements LiveVm {
  readonly #client: ControlClient;

  constructor(...[record]: ConstructorParameters<typeof ControlClient>) {
    this.#client = new ControlClient(record);
  }

  inspect(signal: AbortSignal): Promise<VmFacts> {
    return this.#client.ask({ path: "/v1/vm", signal });
  }

  async waitForGuest(signal: AbortSignal): Promise<void> {
    await this.#client.ask({ method: "POST", path: "/v1/wait", signal });
  }

  pause(signal: AbortSignal): Promise<VmFacts> {
    return this.#client.ask({ method: "POST", path: "/v1/pause", signal });
  }

  resume(signal: AbortSignal): Promise<VmFacts> {
    return this.#client.ask({ method: "POST", path: "/v1/resume", signal });
  }

  async stop(seconds: number | undefined, signal: AbortSignal): Promise<void> {
    await this.#client.ask({ method: "POST", path: "/v1/stop", query: { seconds }, signal });
  }

  restart(seconds: number | undefined, signal: AbortSignal): Promise<VmFacts> {
    return this.#client.ask({ method: "POST", path: "/v1/restart", query: { seconds }, signal });
  }

  async save({ name, description, expires, signal }: SaveVmOptions): Promise<SavedVm> {
    const query = { name, description, expires: expires?.toISOString() };
    return await this.#client.ask({ method: "POST", path: "/v1/save", query, signal });
  }

  /** @param directory Absolute path of the folder of what was saved. */
  async restore(directory: string, signal: AbortSignal): Promise<void> {
    await this.#client.ask({ method: "POST", path: "/v1/restore", query: { directory }, signal });
  }

  async exec(command: readonly string[], options: ExecVmOptions): Promise<number> {
    const { timeoutMs, signal } = options;
    if (timeoutMs === undefined) return await this.#exec(command, options);
    // Who does not want to hear the end of it has it ended.
    const timer = AbortSignal.timeout(timeoutMs);
    try {
      return await this.#exec(command, { ...options, signal: AbortSignal.any([signal, timer]) });
    } catch (error) {
      signal.throwIfAborted();
      if (timer.aborted) throw tookTooLong(command, timeoutMs);
      throw error;
    }
  }

  async #exec(command: readonly string[], { env, user, cwd, onOutput, signal }: ExecVmOptions): Promise<number> {
    const query = { command, env, user, cwd };
    const response = await this.#client.open({ method: "POST", path: "/v1/exec", query, signal });
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) onOutput(chunk);
    } catch (cause) {
      signal.throwIfAborted();
      throw new VmError("vm-lost", "the machine has ended, or broke off while the command ran", {
        blame: "host",
        cause,
      });
    }
    const code = response.trailers["x-boxcar-exit-code"];
    if (code !== undefined) return Number(code);
    throw new VmError("vm-lost", "it was not said how the command ended", { blame: "host" });
  }

  openShell(shell: Parameters<LiveVm["openShell"]>[0], signal: AbortSignal): Promise<WebSocket> {
    return this.#client.openSocket("/v1/shell", shell, signal);
  }

  openConsole(signal: AbortSignal): Promise<Duplex> {
    return this.#client.openStream("/v1/console", {}, signal);
  }

  openDisplay(signal: AbortSignal): Promise<WebSocket> {
    return this.#client.openSocket("/v1/display", {}, signal);
  }

  connect(port: number, signal: AbortSignal): Promise<Duplex> {
    return this.#client.openStream("/v1/port", { port }, signal);
  }

  screenshot(signal: AbortSignal): Promise<Readable> {
    return this.#client.open({ path: "/v1/screen", signal });
  }

  getFile(path: string, signal: AbortSignal): Promise<Readable> {
    return this.#client.open({ path: "/v1/file", query: { path }, signal });
  }

  async listFolder(path: string, signal: AbortSignal): Promise<readonly string[]> {
    const { files } = await this.#client.ask<{ files: string[] }>({ path: "/v1/folder", query: { path }, signal });
    return files;
  }

  async putFile(
    path: string,
    content: Readable,
    { mode, user, signal }: { mode?: number; user?: string; signal: AbortSignal },
  ): Promise<void> {
    await this.#client.ask({ method: "PUT", path: "/v1/file", query: { path, mode, user }, body: content, signal });
  }

  async monitor(
    command: { name: string; arguments?: string } | { line: string },
    signal: AbortSignal,
  ): Promise<unknown> {
    const query = "line" in command ? command : { command: command.name, arguments: command.arguments };
    const answer = await this.#client.ask<{ return: unknown }>({ method: "POST", path: "/v1/monitor", query, signal });
    return answer.return;
  }
}

export function tookTooLong([program = ""]: readonly string[], timeoutMs: number): VmError {
  return new VmError("vm-timeout", `${program} was ended: it took longer than ${formatDuration(timeoutMs)}`);
}
