/**
 * What becomes of the TCP segments of a guest: they belong to a connection, or begin one that the policy allows, or are
 * answered with a reset. Every established connection is given to the machine's services.
 */
import { serveDnsOverTcp } from "../dns/dns-over-tcp.ts";
import { GATEWAY } from "../endpoints.ts";
import { type Ipv4Packet, transportChecksum } from "../packet/ipv4.ts";
import { decideFlow } from "../policy/flow.ts";
import type { Flow } from "../services.ts";
import { answerDns, type Carrier, headerOfReply, noteRefused } from "./carrier.ts";
import { type Opening, refuseSegment, TcpEndpoint } from "./tcp/tcp-endpoint.ts";
import { TcpFlag, type TcpSegment, tryParseTcp } from "./tcp/tcp-segment.ts";
import type { TcpSocket } from "./tcp/tcp-socket.ts";

const OPENING_FLAGS = TcpFlag.syn | TcpFlag.ack | TcpFlag.rst;

export class TcpGateway {
  readonly #carrier: Carrier;
  readonly #endpoint: TcpEndpoint;

  constructor(carrier: Carrier) {
    this.#carrier = carrier;
    this.#endpoint = new TcpEndpoint(carrier.writer, carrier);
  }

  get connectionCount(): number {
    return this.#endpoint.connectionCount;
  }

  get openedCount(): number {
    return this.#endpoint.openedCount;
  }

  receive(packet: Ipv4Packet): void {
    const { counters } = this.#carrier;
    const segment = tryParseTcp(packet.payload);
    if (segment === undefined) counters.drop("malformed");
    else if (transportChecksum(packet, packet.payload) !== 0) counters.drop("bad-checksum");
    else if (this.#endpoint.tryReceive(segment, packet.destination)) return;
    else if ((segment.flags & OPENING_FLAGS) === TcpFlag.syn) this.#open(packet, segment);
    else this.#refuse(packet, segment);
  }

  /** Connects to a port of the guest. @throws {WorkerError} `network-dial-failed` */
  async dial(port: number): Promise<TcpSocket> {
    const socket = await this.#endpoint.dial(port, GATEWAY);
    socket.on("error", () => {});
    return socket;
  }

  /** Delivers and sends what is due. */
  pump(): void {
    this.#endpoint.pump();
  }

  destroy(): void {
    this.#endpoint.destroy();
  }

  #open(packet: Ipv4Packet, segment: TcpSegment): void {
    const { counters } = this.#carrier;
    const opening = this.#decide({ protocol: "tcp", address: packet.destination, port: segment.destinationPort });
    const outcome = opening === undefined ? "refused" : this.#endpoint.open(segment, packet.destination, opening);
    if (outcome === "too-many-connections") counters.connectionsOverLimit += 1;
    // A SYN that is too early is repeated by the guest.
    if (outcome === "rate-limited") counters.drop("rate-limited");
    else if (outcome !== "taken") this.#refuse(packet, segment);
  }

  #decide(flow: Flow): Opening | undefined {
    const { services, counters } = this.#carrier;
    const { address, port } = flow;
    const decision = decideFlow(services.policy, { protocol: 6, destination: address, destinationPort: port });
    switch (decision) {
      case "metadata":
        return service((socket) => services.serveMetadata(socket));
      case "proxy":
        return service((socket) => services.serveProxy(socket));
      case "dns":
        return service((socket) => void serveDnsOverTcp(socket, (message) => answerDns(this.#carrier, message, "tcp")));
      case "outside":
        if (services.admits(flow)) {
          return { group: "outside", accept: handled((socket) => services.connect(socket, { address, port })) };
        }
        counters.refused += 1;
        return undefined;
      default:
        noteRefused(this.#carrier, flow);
        return undefined;
    }
  }

  #refuse(packet: Ipv4Packet, segment: TcpSegment): void {
    refuseSegment(this.#carrier.writer, headerOfReply(packet), segment);
  }
}

function service(accept: (socket: TcpSocket) => void): Opening {
  return { group: "service", accept: handled(accept) };
}

/** A reset by the guest must not end the process, even if nobody listens for it. */
function handled(accept: (socket: TcpSocket) => void): (socket: TcpSocket) => void {
  return (socket) => {
    socket.on("error", () => {});
    accept(socket);
  };
}
