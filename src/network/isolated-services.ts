/** The services of a machine that reaches nothing else: an HTTP server, and the one name it goes by. */
import type { RequestListener } from "node:http";
import type { Duplex } from "node:stream";
import { GuardedServer, type UpgradeListener } from "../http/guarded-server.ts";
import { GuestResolver } from "./dns/guest-resolver.ts";
import { LocalRecords } from "./dns/local-records.ts";
import type { Upstream } from "./dns/upstream.ts";
import { VirtualAddresses } from "./egress/virtual-addresses.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import { AddressVetting } from "./policy/address-vetting.ts";
import { ISOLATED, type NetworkPolicy } from "./policy/network-policy.ts";
import type { NetworkServices } from "./services.ts";

const NO_UPSTREAM: Upstream = {
  resolve: async () => ({ kind: "failed", reason: "isolated" }),
  [Symbol.dispose]() {},
};

export class IsolatedServices implements NetworkServices, AsyncDisposable {
  readonly policy = ISOLATED;
  readonly #server: GuardedServer;
  readonly #resolver = new GuestResolver({
    records: new LocalRecords({ hosts: {}, srv: [] }),
    upstream: NO_UPSTREAM,
    policy: () => ISOLATED,
    vetting: new AddressVetting(),
    virtual: new VirtualAddresses(),
    log: { note() {} },
  });

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

  answerDns(message: Buffer, transport: "udp" | "tcp"): Promise<Buffer | undefined> {
    return this.#resolver.answer(message, transport);
  }

  noteRefused(): void {}

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server[Symbol.asyncDispose]();
  }
}
