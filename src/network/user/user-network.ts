/**
 * The rootless network of one machine: a small network stack on the machine's
 * own link, with an HTTP server at the metadata address. Nothing else can be
 * reached, and whoever asks the server is this machine: its identity is the
 * link, not an address.
 *
 *   open ──connect()──▶ connected ──link ends or dispose──▶ closed
 *
 * *Owns* the link, its connections and the HTTP server.
 */
import type { RequestListener } from "node:http";
import type { Duplex } from "node:stream";
import { WorkerError } from "../../base/errors.ts";
import { Scope } from "../../base/scope.ts";
import { GuardedServer, type UpgradeListener } from "../../http/guarded-server.ts";
import { parseMac } from "../addresses.ts";
import type { NetworkStats } from "../counters.ts";
import type { NetworkPolicy } from "../policy.ts";
import { GuestStack } from "./guest-stack.ts";

const MAX_CONNECTIONS = 128;

export interface UserNetworkOptions {
  /** Of the machine's network card, as in `52:54:00:12:34:56`. */
  mac: string;
  /** What that card carries: bytes of an IP packet, 1,500 to 65,521. */
  mtu: number;
  policy?: NetworkPolicy;
  /** Answers the machine's requests; see {@link UserNetwork.setHandler}. */
  handler?: RequestListener;
  maxConnections?: number;
}

export class UserNetwork implements AsyncDisposable {
  /** QEMU needs to be nowhere in particular. */
  readonly enter: readonly string[] = [];
  readonly #options: UserNetworkOptions;
  readonly #server: GuardedServer;
  readonly #scope: Scope;
  readonly #closed = Promise.withResolvers<WorkerError | undefined>();
  #stack: GuestStack | undefined;

  private constructor(options: UserNetworkOptions, server: GuardedServer, scope: Scope) {
    this.#options = options;
    this.#server = server;
    this.#scope = scope;
  }

  /** @throws {TypeError} The MAC address is malformed. */
  static async open(options: UserNetworkOptions): Promise<UserNetwork> {
    parseMac(options.mac);
    await using scope = new Scope();
    const server = scope.use(GuardedServer.open({ maxConnections: options.maxConnections ?? MAX_CONNECTIONS }));
    server.setHandler(options.handler);
    return new UserNetwork(options, server, scope.move());
  }

  /**
   * Settles when the link has ended: with an error if it failed, in which case the machine has no network any
   * more and should be killed; with undefined if the machine closed it or the network was disposed.
   */
  get closed(): Promise<WorkerError | undefined> {
    return this.#closed.promise;
  }

  netdev(id: string, linkFd: number): string {
    return `stream,id=${id},server=off,addr.type=fd,addr.str=${linkFd}`;
  }

  /** Undefined until the machine is connected. */
  stats(): NetworkStats | undefined {
    return this.#stack?.stats;
  }

  /**
   * Answers on the machine's link; takes ownership of it. Once per network.
   *
   * @param link Frames with a length prefix of 4 bytes, as QEMU's stream and socket backends have it.
   */
  connect(link: Duplex): void {
    if (this.#stack !== undefined || this.#scope.disposed) {
      link.destroy();
      throw new WorkerError("a network can be connected to one machine only, and only once", {
        code: "network-already-connected",
        blame: "worker",
      });
    }
    this.#stack = new GuestStack(link, {
      machineMac: parseMac(this.#options.mac),
      mtu: this.#options.mtu,
      policy: this.#options.policy ?? "isolated",
      maxConnections: this.#options.maxConnections ?? MAX_CONNECTIONS,
      onConnection: (socket) => this.#server.serve(socket),
      onClosed: (error) => this.#closed.resolve(error),
    });
  }

  /** Who answers the machine's requests from now on; without a handler they get 503. */
  setHandler(handler: RequestListener | undefined): void {
    this.#server.setHandler(handler);
  }

  /** Who takes over connections that ask for another protocol; without one they are refused. */
  setUpgradeHandler(handler: UpgradeListener | undefined): void {
    this.#server.setUpgradeHandler(handler);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#stack?.destroy();
    this.#closed.resolve(undefined);
    return this.#scope[Symbol.asyncDispose]();
  }
}
