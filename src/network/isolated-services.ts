/** The services of a machine that reaches nothing else: an HTTP server, and the one name it goes by. */
import type { RequestListener } from "node:http";
import type { Duplex } from "node:stream";
import { GuardedServer, type UpgradeListener } from "../http/guarded-server.ts";
import { encodeDnsReply, tryParseDnsQuery } from "./dns/dns-message.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import { ISOLATED, type NetworkPolicy } from "./policy/network-policy.ts";
import { decideName } from "./policy.ts";
import type { NetworkServices } from "./services.ts";

export class IsolatedServices implements NetworkServices, AsyncDisposable {
  readonly policy = ISOLATED;
  readonly #server: GuardedServer;

  private constructor(server: GuardedServer) {
    this.#server = server;
  }

  static open(): IsolatedServices {
    return new IsolatedServices(GuardedServer.open({ maxConnections: DEFAULT_LIMITS.serviceConnections }));
  }

  onPolicy(): void {}

  setPolicy({ kind }: NetworkPolicy): void {
    if (kind !== "isolated") throw new TypeError(`these services cannot serve the policy ${kind}`);
  }

  setHandler(handler: RequestListener | undefined): void {
    this.#server.setHandler(handler);
  }

  setUpgradeHandler(handler: UpgradeListener | undefined): void {
    this.#server.setUpgradeHandler(handler);
  }

  serveMetadata(connection: Duplex): void {
    this.#server.serve(connection);
  }

  serveProxy(connection: Duplex): void {
    connection.destroy();
  }

  admits(): boolean {
    return false;
  }

  connect(connection: Duplex): void {
    connection.destroy();
  }

  sendDatagram(): void {}

  async answerDns(message: Buffer): Promise<Buffer | undefined> {
    const query = tryParseDnsQuery(message);
    return query && encodeDnsReply(query, decideName(query));
  }

  noteRefused(): void {}

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server[Symbol.asyncDispose]();
  }
}
