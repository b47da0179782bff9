/** What the parts of a guest's stack share: the way to the guest, the way to the services, and the account of both. */
import type { NetworkLimits } from "../limits.ts";
import type { Ipv4Header } from "../packet/ipv4.ts";
import type { Flow, NetworkServices } from "../services.ts";
import type { Counters } from "./counters.ts";
import type { PacketWriter } from "./packet-writer.ts";

export interface Carrier {
  readonly writer: PacketWriter;
  readonly services: NetworkServices;
  readonly counters: Counters;
  readonly limits: NetworkLimits;
  /** The only source MAC address that is believed, as a uint48. */
  readonly machineMac: number;
  /** Bytes of an IP packet. */
  readonly mtu: number;
}

/** Without what only TCP segments need. */
export type DatagramCarrier = Omit<Carrier, "writer"> & { readonly writer: Pick<PacketWriter, "send"> };

type Account = Pick<Carrier, "counters" | "services">;

/** Counts, and tells the services of, what they were not asked about. */
export function noteRefused({ counters, services }: Account, flow: Flow): void {
  counters.refused += 1;
  services.noteRefused(flow, 1, new Date());
}

const STATUS_MASK = 0x0f;
const REFUSED = 5;

/** The reply of the services to a DNS message; refusals are counted. */
export async function answerDns(
  { counters, services }: Account,
  message: Buffer,
  transport: "udp" | "tcp",
): Promise<Buffer | undefined> {
  const reply = await services.answerDns(message, transport);
  if (reply !== undefined && reply.length > 3 && (reply.readUInt8(3) & STATUS_MASK) === REFUSED) counters.refused += 1;
  return reply;
}

export function headerOfReply({ source, destination, protocol }: Ipv4Header): Ipv4Header {
  return { source: destination, destination: source, protocol };
}
