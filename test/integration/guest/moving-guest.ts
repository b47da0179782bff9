/** An agent whose machine goes on with another host: one address, behind which the hosts change. */
import { connect, createServer, type Socket } from "node:net";
import { Scope } from "../../../src/base/scope.ts";
import type { GuestSessionOptions } from "../../../src/guest/guest-session.ts";
import type { GuestTask } from "../../../src/guest/guest-task.ts";
import { WakeLine } from "../../../src/guest/wake.ts";
import { AgentProcess, listen, ServiceOnLoopback } from "./guest-harness.ts";

/** Like the network of a machine: what is connected to a host that is gone is answered by nobody, and not closed. */
class Link {
  port = 0;
  #upstreams: Socket[] = [];
  readonly #clients = new Set<Socket>();

  connect(client: Socket): void {
    const upstream = connect(this.port, "127.0.0.1");
    for (const socket of [client, upstream]) socket.on("error", () => {});
    this.#upstreams.push(upstream);
    this.#clients.add(client);
    client.on("close", () => {
      this.#clients.delete(client);
      upstream.destroy();
    });
    upstream.on("end", () => client.end());
    client.pipe(upstream);
    upstream.pipe(client, { end: false });
  }

  /** From now on what was connected leads nowhere. */
  cut(): void {
    for (const upstream of this.#upstreams) {
      upstream.unpipe();
      upstream.removeAllListeners("end");
      upstream.destroy();
    }
    this.#upstreams = [];
    // Who goes on reading would tell the guest that nobody is there.
    for (const client of this.#clients) client.unpipe();
  }

  reset(): void {
    for (const client of this.#clients) client.resetAndDestroy();
  }

  close(): void {
    for (const socket of [...this.#clients, ...this.#upstreams]) socket.destroy();
  }
}

export class MovingGuest implements AsyncDisposable {
  readonly agent: AgentProcess;
  readonly wakeLine: WakeLine;
  /** Where its hosts answer. */
  readonly url: string;
  readonly #link: Link;
  readonly #scope: Scope;
  #host: ServiceOnLoopback;

  private constructor(agent: AgentProcess, url: string, link: Link, host: ServiceOnLoopback, scope: Scope) {
    this.agent = agent;
    this.url = url;
    if (agent.wakePort === undefined) throw new Error("the agent has no line");
    this.wakeLine = new WakeLine(agent.wakePort);
    this.#link = link;
    this.#host = host;
    this.#scope = scope;
  }

  static async start(
    program: string,
    task: Partial<GuestTask> | undefined,
    options: Partial<GuestSessionOptions> = {},
  ): Promise<MovingGuest> {
    const guest = await MovingGuest.startParked(program, task, options);
    guest.wakeLine.wake({});
    return guest;
  }

  static async startParked(
    program: string,
    task?: Partial<GuestTask>,
    options: Partial<GuestSessionOptions> = {},
  ): Promise<MovingGuest> {
    await using scope = new Scope();
    const whole = task === undefined ? undefined : { command: ["true"], env: {}, ...task };
    const host = scope.use(await ServiceOnLoopback.start({ task: whole, ...options }));
    const link = new Link();
    const server = createServer((client) => link.connect(client));
    scope.defer(() => server.close());
    scope.defer(() => link.close());
    link.port = host.port;
    const url = `http://127.0.0.1:${await listen(server)}`;
    const agent = scope.use(await AgentProcess.start(program, { url, wakePort: true }));
    const guest = new MovingGuest(agent, url, link, host, scope.move());
    await guest.wakeLine.parked;
    return guest;
  }

  /** The host it has now. */
  get host(): ServiceOnLoopback {
    return this.#host;
  }

  /** The host is there no more; where its log has ended. */
  leave(): number {
    this.#link.cut();
    return this.#host.session.log.settle();
  }

  /** The agent finds out that nobody is at the other end of its connections. */
  dropClients(): void {
    this.#link.reset();
  }

  /** Another host takes its place; the agent is not told. */
  async arrive(options: Partial<GuestSessionOptions>): Promise<ServiceOnLoopback> {
    this.#host = this.#scope.use(await ServiceOnLoopback.start(options));
    this.#link.port = this.#host.port;
    return this.#host;
  }

  /** Goes on with another host, as soon as the agent has heard of it. */
  async move(options: Partial<GuestSessionOptions> & Required<Pick<GuestSessionOptions, "move">>) {
    const host = await this.arrive(options);
    if (options.move !== undefined) this.wakeLine.move(options.move);
    await host.session.firstContact;
    return host;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }
}
