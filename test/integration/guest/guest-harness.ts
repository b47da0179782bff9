/** The real agent, run on this host against the real service over loopback. */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash, type Hash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Duplex, Writable } from "node:stream";
import { Scope } from "../../../src/base/scope.ts";
import { GuestSession, type GuestSessionOptions } from "../../../src/guest/guest-session.ts";
import type { GuestTask } from "../../../src/guest/guest-task.ts";
import { createMetadataService, type MetadataServiceOptions } from "../../../src/guest/metadata-service.ts";
import { createUpgradeListener } from "../../../src/guest/upgrade-listener.ts";
import { runCommand } from "../../../src/host/command.ts";
import { GuardedServer } from "../../../src/http/guarded-server.ts";

export const VARIANTS = ["release", "asan"] as const;
export type Variant = (typeof VARIANTS)[number];

const AGENT_SOURCE = resolve(import.meta.dirname, "../../../src/guest/agent");
const BUILD_FOLDER = resolve(import.meta.dirname, "../../../build/test-agent");

/** Builds the agent if its sources have changed since; resolves with its path. */
export async function buildAgent(variant: Variant): Promise<string> {
  const target = variant === "asan" ? "asan" : "all";
  await runCommand(["make", "-s", "-C", AGENT_SOURCE, `OUT=${BUILD_FOLDER}`, target], { timeoutMs: 120_000 });
  return join(BUILD_FOLDER, variant === "asan" ? "boxcar-agent-asan" : "boxcar-agent");
}

/** A log sink that remembers everything, or only a hash of it. */
export class LogCollector extends Writable {
  readonly #hash: Hash = createHash("sha256");
  readonly #keep: boolean;
  readonly #chunks: Buffer[] = [];
  readonly #waiting: { text: string; found: () => void }[] = [];
  /** Runs before each write is taken; to be a slow sink. */
  beforeWrite: () => Promise<void> = async () => {};
  sizeBytes = 0;
  maxBufferedBytes = 0;

  constructor(options: { keep?: boolean } = {}) {
    super({ highWaterMark: 64 * 1_024 });
    this.#keep = options.keep ?? true;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    this.maxBufferedBytes = Math.max(this.maxBufferedBytes, this.writableLength);
    void this.beforeWrite().then(() => {
      this.sizeBytes += chunk.length;
      this.#hash.update(chunk);
      if (this.#keep) this.#chunks.push(Buffer.from(chunk));
      for (const { text, found } of this.#waiting) if (this.text().includes(text)) found();
      callback();
    });
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString("utf8");
  }

  sha256(): string {
    return this.#hash.copy().digest("hex");
  }

  /** Resolves as soon as the log has `text` in it. */
  async has(text: string): Promise<void> {
    if (this.text().includes(text)) return;
    const found = Promise.withResolvers<void>();
    this.#waiting.push({ text, found: found.resolve });
    await found.promise;
  }
}

/** The service of one machine on a loopback port. */
export class ServiceOnLoopback implements AsyncDisposable {
  readonly session: GuestSession;
  readonly log: LogCollector;
  readonly port: number;
  readonly #scope: Scope;

  private constructor(session: GuestSession, log: LogCollector, port: number, scope: Scope) {
    this.session = session;
    this.log = log;
    this.port = port;
    this.#scope = scope;
  }

  static async start(
    options: Partial<GuestSessionOptions> & {
      collector?: LogCollector;
      service?: MetadataServiceOptions;
      port?: number;
    } = {},
  ): Promise<ServiceOnLoopback> {
    await using scope = new Scope();
    const log = options.collector ?? new LogCollector();
    const session = scope.use(new GuestSession({ log, ...options }));
    const guarded = scope.use(GuardedServer.open({ maxConnections: 128 }));
    guarded.setHandler(createMetadataService(session, options.service));
    guarded.setUpgradeHandler(createUpgradeListener(session));
    const server = createServer({ allowHalfOpen: true }, (socket) => guarded.serve(socket));
    const port = await listen(server, options.port);
    scope.defer(() => server.close());
    return new ServiceOnLoopback(session, log, port, scope.move());
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }
}

export async function listen(server: Server, port = 0): Promise<number> {
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** A running agent; disposal ends it and everything it started, and fails if a sanitizer has found something. */
export class AgentProcess implements AsyncDisposable {
  /** The other end of the line by which the agent is woken and told that it has moved, if it has one. */
  readonly wakePort: Duplex | undefined;
  readonly #child: ChildProcess;
  readonly #folder: string;
  #stderr = "";
  #disposal: Promise<void> | undefined;

  private constructor(child: ChildProcess, folder: string) {
    this.wakePort = (child.stdio[3] as Duplex | null | undefined) ?? undefined;
    this.wakePort?.on("error", () => {});
    this.#child = child;
    this.#folder = folder;
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
    });
  }

  static async start(
    program: string,
    options: { url: string; config?: string; env?: Record<string, string>; wakePort?: boolean },
  ): Promise<AgentProcess> {
    const folder = await mkdtemp(join(tmpdir(), "boxcar-agent-"));
    const config = join(folder, "agent.conf");
    await writeFile(config, options.config ?? "");
    const wake = options.wakePort === true;
    const child = spawn(program, ["--url", options.url, "--config", config, ...(wake ? ["--wake-fd", "3"] : [])], {
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", ...options.env },
      stdio: ["ignore", "ignore", "pipe", wake ? "pipe" : "ignore"],
    });
    return new AgentProcess(child, folder);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get stderr(): string {
    return this.#stderr;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#stop();
    return this.#disposal;
  }

  async #stop(): Promise<void> {
    const closed = once(this.#child, "close");
    const running = this.#child.exitCode === null && this.#child.signalCode === null;
    this.#child.kill("SIGTERM");
    if (running) await closed;
    await rm(this.#folder, { recursive: true, force: true });
    if (/Sanitizer|runtime error/.test(this.#stderr)) throw new Error(this.#stderr);
  }
}

/** An agent with its service. */
export interface Guest extends AsyncDisposable {
  readonly session: GuestSession;
  readonly log: LogCollector;
  readonly agent: AgentProcess;
}

export async function startGuest(
  program: string,
  task: Partial<GuestTask> | undefined,
  options: {
    collector?: LogCollector;
    config?: string;
    env?: Record<string, string>;
    maxLogBytes?: number;
    onLogLimit?: () => void;
    service?: MetadataServiceOptions;
    /** Where the agent connects to instead, given the port of the service. */
    via?: (port: number, scope: Scope) => Promise<number>;
  } = {},
): Promise<Guest> {
  await using scope = new Scope();
  const { via, config, env, ...rest } = options;
  const whole = task === undefined ? undefined : { command: ["true"], env: {}, ...task };
  const service = scope.use(await ServiceOnLoopback.start({ task: whole, ...rest }));
  const port = via === undefined ? service.port : await via(service.port, scope);
  const url = `http://127.0.0.1:${port}`;
  const agent = scope.use(
    await AgentProcess.start(program, {
      url,
      ...(config === undefined ? {} : { config }),
      ...(env === undefined ? {} : { env }),
    }),
  );
  const owned = scope.move();
  return {
    session: service.session,
    log: service.log,
    agent,
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
}

/** Whether there is such a process and it is not a zombie. */
export async function isRunning(pid: string | number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "State:\tX");
  return !/^State:\s+[XZ]/m.test(status);
}

/** A shell script as a command. */
export function sh(script: string): Pick<GuestTask, "command"> {
  return { command: ["sh", "-c", script] };
}

/** Passes connections on to `port`, and lets `onData` look at what the client sends. */
export async function startProxy(
  port: number,
  scope: Scope,
  onData: (chunk: Buffer, client: Socket, upstream: Socket) => void,
): Promise<number> {
  const server = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    for (const socket of [client, upstream]) socket.on("error", () => {});
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
    client.on("data", (chunk) => {
      if (!upstream.write(chunk)) {
        client.pause();
        upstream.once("drain", () => client.resume());
      }
      onData(chunk, client, upstream);
    });
    upstream.pipe(client);
  });
  scope.defer(() => server.close());
  return listen(server);
}

export async function temporaryFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), "boxcar-guest-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
