/**
 * What becomes of the connections that a machine's listeners accept: each is given to the machine's services. What
 * ../user/tcp-gateway.ts is for the other mode, but the kernel has accepted them already: one that is refused here is
 * reset.
 */
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { parseIpv4Address } from "../addresses.ts";
import { serveDnsOverTcp } from "../dns/dns-over-tcp.ts";
import type { NetworkLimits } from "../limits.ts";
import { IpProtocol } from "../packet/ipv4.ts";
import { decideFlow } from "../policy/flow.ts";
import type { Destination, NetworkServices } from "../services.ts";
import { answerDns, noteRefused } from "../user/carrier.ts";
import type { Counters } from "../user/counters.ts";
import type { ListenerName } from "./handles.ts";

export interface ConnectionCarrier {
  readonly services: NetworkServices;
  readonly counters: Counters;
  readonly limits: NetworkLimits;
}

type Group = "service" | "outside";

export class ConnectionGateway {
  readonly #carrier: ConnectionCarrier;
  readonly #open: Readonly<Record<Group, Set<Socket>>> = { service: new Set(), outside: new Set() };
  #openedCount = 0;

  constructor(carrier: ConnectionCarrier) {
    this.#carrier = carrier;
  }

  get connectionCount(): number {
    return this.#open.service.size + this.#open.outside.size;
  }

  get openedCount(): number {
    return this.#openedCount;
  }

  accept(listener: ListenerName, socket: Socket): void {
    // A reset by the guest must not end the process, even if nobody listens for it.
    socket.on("error", () => {});
    const { services } = this.#carrier;
    if (listener === "metadata") this.#serve("service", socket, (connection) => services.serveMetadata(connection));
    else if (listener === "proxy") this.#serve("service", socket, (connection) => services.serveProxy(connection));
    else this.#acceptOutside(socket);
  }

  /** Resets what is open. */
  destroy(): void {
    for (const socket of [...this.#open.service, ...this.#open.outside]) socket.resetAndDestroy();
  }

  #acceptOutside(socket: Socket): void {
    const { localAddress, localPort } = socket;
    // The guest may have reset it before it was accepted.
    if (localAddress === undefined || localPort === undefined) {
      socket.destroy();
      return;
    }
    this.#connect(socket, { address: parseIpv4Address(localAddress), port: localPort });
  }

  #connect(socket: Socket, destination: Destination): void {
    const { services, counters } = this.#carrier;
    const { address, port } = destination;
    const flow = { protocol: "tcp", address, port } as const;
    const packetFlow = { protocol: IpProtocol.tcp, destination: address, destinationPort: port };
    const decision = decideFlow(services.policy, packetFlow);
    if (decision === "dns") {
      this.#serve("service", socket, (connection) => {
        void serveDnsOverTcp(connection, (message) => answerDns(this.#carrier, message, "tcp"));
      });
    } else if (decision !== "outside") {
      noteRefused(this.#carrier, flow);
      socket.resetAndDestroy();
    } else if (!services.admits(flow)) {
      counters.refused += 1;
      socket.resetAndDestroy();
    } else {
      this.#serve("outside", socket, (connection) => services.connect(connection, destination));
    }
  }

  #serve(group: Group, socket: Socket, take: (connection: Duplex) => void): void {
    const { counters, limits } = this.#carrier;
    const open = this.#open[group];
    if (open.size >= (group === "service" ? limits.serviceConnections : limits.outsideConnections)) {
      counters.connectionsOverLimit += 1;
      socket.resetAndDestroy();
      return;
    }
    open.add(socket);
    this.#openedCount += 1;
    socket.once("close", () => open.delete(socket));
    take(socket);
  }
}
