/**
 * Services of a machine with a real HTTP server, and an outside that is made up: what becomes of a connection or a
 * datagram there is for the test to say, and what was asked for is kept.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream";
import { GuardedServer, type UpgradeListener } from "../../src/http/guarded-server.ts";
import { METADATA } from "../../src/network/endpoints.ts";
import { ISOLATED, type NetworkPolicy } from "../../src/network/policy/network-policy.ts";
import type { DatagramFlow, Destination, Flow, MachineServices } from "../../src/network/services.ts";

export const INTERNET: NetworkPolicy = { kind: "internet" };

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export class FakeServices implements MachineServices, AsyncDisposable {
  policy: NetworkPolicy;
  readonly admitted: Flow[] = [];
  readonly notedRefused: Flow[] = [];
  readonly datagrams: DatagramFlow[] = [];
  readonly queries: ("udp" | "tcp")[] = [];
  /** Whether a flow to the outside may be tried; by default all of them. */
  admit: (flow: Flow) => boolean = () => true;
  /** The outside; by default it says what it hears. */
  connect: (connection: Duplex, destination: Destination) => void = echo;
  /** The proxy; by default it says what it hears. */
  serveProxy: (connection: Duplex) => void = echo;
  /** What comes back for a datagram; by default the same. */
  answerDatagram: (payload: Buffer, reply: (payload: Buffer) => void) => void = (payload, reply) => reply(payload);
  /** By default there is one name. */
  resolve: (message: Buffer, transport: "udp" | "tcp") => Promise<Buffer | undefined> = async (message) =>
    dnsReply(message);
  readonly #server: GuardedServer;
  readonly #policyListeners: ((policy: NetworkPolicy) => void)[] = [];

  constructor(options: { policy?: NetworkPolicy; handler?: Handler | undefined } = {}) {
    this.policy = options.policy ?? ISOLATED;
    this.#server = GuardedServer.open({ maxConnections: 10_000 });
    this.#server.setHandler(options.handler);
  }

  onPolicy(listener: (policy: NetworkPolicy) => void): void {
    this.#policyListeners.push(listener);
  }

  setPolicy(policy: NetworkPolicy): void {
    this.policy = policy;
    for (const listener of this.#policyListeners) listener(policy);
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

  admits(flow: Flow): boolean {
    if (!this.admit(flow)) return false;
    this.admitted.push(flow);
    return true;
  }

  sendDatagram(flow: DatagramFlow, payload: Buffer, reply: (payload: Buffer) => void): void {
    this.datagrams.push(flow);
    this.answerDatagram(payload, reply);
  }

  answerDns(message: Buffer, transport: "udp" | "tcp"): Promise<Buffer | undefined> {
    this.queries.push(transport);
    return this.resolve(message, transport);
  }

  noteRefused(flow: Flow): void {
    this.notedRefused.push(flow);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server[Symbol.asyncDispose]();
  }
}

function echo(connection: Duplex): void {
  pipeline(connection, connection, () => {});
}

/** To a query with one question and nothing else: the metadata address for its name, "refused" for any other. */
export function dnsReply(query: Buffer): Buffer | undefined {
  if (query.length < 17) return undefined;
  const known = query.includes("metadata");
  const reply = Buffer.concat([
    query,
    known ? Buffer.from("c00c" + "0001" + "0001" + "0000012c" + "0004", "hex") : Buffer.alloc(0),
  ]);
  reply.writeUInt16BE(known ? 0x8180 : 0x8185, 2);
  if (!known) return reply;
  reply.writeUInt16BE(1, 6);
  const address = Buffer.alloc(4);
  address.writeUInt32BE(METADATA);
  return Buffer.concat([reply, address]);
}
