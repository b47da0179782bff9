/** What becomes of the datagrams of a guest: DHCP and DNS are answered, others go outside if the policy allows it. */
import { TokenBucket } from "../../base/token-bucket.ts";
import { GUEST } from "../endpoints.ts";
import { IpProtocol, type Ipv4Packet } from "../packet/ipv4.ts";
import { hasValidUdpChecksum, tryParseUdp, type UdpDatagram } from "../packet/udp.ts";
import { decideFlow, isUnicast } from "../policy/flow.ts";
import type { Destination, Flow } from "../services.ts";
import { answerDns, type DatagramCarrier, noteRefused } from "./carrier.ts";
import { datagramReply, type LocalReply, portUnreachable, replyToDhcp } from "./local-replies.ts";

/** Answers that are being looked up; a guest that wants more at once asks again. */
const MAX_QUERIES_UNDER_WAY = 64;
/** The most a datagram carries (RFC 768, in a packet of RFC 791). */
const MAX_DATAGRAM_BYTES = 65_507;

export class UdpGateway {
  readonly #carrier: DatagramCarrier;
  readonly #limits = {
    dhcp: new TokenBucket(20, 40),
    dns: new TokenBucket(200, 400),
    unreachable: new TokenBucket(10, 20),
  };
  #queriesUnderWay = 0;

  constructor(carrier: DatagramCarrier) {
    this.#carrier = carrier;
  }

  receive(packet: Ipv4Packet): void {
    const { counters, services } = this.#carrier;
    const datagram = tryParseUdp(packet.payload);
    if (datagram === undefined) {
      counters.drop("malformed");
      return;
    }
    if (!hasValidUdpChecksum(packet, packet.payload)) {
      counters.drop("bad-checksum");
      return;
    }
    const { destination } = packet;
    const { destinationPort } = datagram;
    const decision = decideFlow(services.policy, { protocol: IpProtocol.udp, destination, destinationPort });
    if (decision === "dhcp") this.#receiveDhcp(datagram);
    // Nothing but DHCP is for a guest without an address.
    else if (packet.source !== GUEST || !isUnicast(destination)) counters.refused += 1;
    else if (decision === "dns") this.#receiveQuery(packet, datagram);
    else this.#receiveOther(packet, datagram, decision === "outside");
  }

  #receiveDhcp(datagram: UdpDatagram): void {
    const { counters, machineMac, mtu } = this.#carrier;
    if (!this.#limits.dhcp.tryTake()) {
      counters.drop("rate-limited");
      return;
    }
    const reply = replyToDhcp(datagram, machineMac, mtu);
    if (reply === undefined) counters.drop("malformed");
    else this.#send(reply);
  }

  #receiveQuery({ destination }: Ipv4Packet, { destinationPort, sourcePort, payload }: UdpDatagram): void {
    const { counters } = this.#carrier;
    if (!this.#limits.dns.tryTake()) {
      counters.drop("rate-limited");
      return;
    }
    if (this.#queriesUnderWay >= MAX_QUERIES_UNDER_WAY) {
      counters.drop("too-many-queries");
      return;
    }
    this.#queriesUnderWay += 1;
    const from = { address: destination, port: destinationPort };
    void answerDns(this.#carrier, Buffer.from(payload), "udp")
      .catch(() => undefined)
      .then((reply) => {
        this.#queriesUnderWay -= 1;
        if (reply === undefined) counters.drop("malformed");
        else this.#reply(from, sourcePort, reply);
      });
  }

  #receiveOther(packet: Ipv4Packet, datagram: UdpDatagram, outside: boolean): void {
    const { counters, services } = this.#carrier;
    const { sourcePort: guestPort, destinationPort: port } = datagram;
    const flow: Flow = { protocol: "udp", address: packet.destination, port };
    if (outside && services.admits(flow)) {
      services.sendDatagram({ address: flow.address, port, guestPort }, Buffer.from(datagram.payload), (reply) =>
        this.#reply(flow, guestPort, reply),
      );
      return;
    }
    if (outside) counters.refused += 1;
    else noteRefused(this.#carrier, flow);
    if (this.#limits.unreachable.tryTake()) this.#send(portUnreachable(packet));
  }

  #reply(from: Destination, guestPort: number, payload: Buffer): void {
    if (payload.length > MAX_DATAGRAM_BYTES) this.#carrier.counters.drop("malformed");
    else this.#send(datagramReply(from, guestPort, payload));
  }

  #send({ header, payload }: LocalReply): void {
    this.#carrier.writer.send(header, payload);
  }
}
