/** DHCP messages (RFC 2131, 2132, 3442) over a client's ethernet. */
import { formatIpv4Address, netmask } from "../addresses.ts";

export const DhcpType = {
  discover: 1,
  offer: 2,
  request: 3,
  decline: 4,
  ack: 5,
  nak: 6,
  release: 7,
  inform: 8,
} as const;

const FIXED_BYTES = 236;
const MAGIC = 0x6382_5363;
/** Some old clients want the size of a BOOTP packet. */
const MINIMUM_BYTES = 300;
const BOOT_REQUEST = 1;
const BOOT_REPLY = 2;
const ETHERNET = 0x0106;
const BROADCAST_FLAG = 0x8000;

const Option = {
  pad: 0,
  netmask: 1,
  router: 3,
  dns: 6,
  mtu: 26,
  requestedAddress: 50,
  leaseSeconds: 51,
  messageType: 53,
  server: 54,
  classlessRoutes: 121,
  end: 255,
} as const;

export interface DhcpRequest {
  type: number;
  transaction: number;
  broadcast: boolean;
  clientMac: number;
  /** The address the client says it has; 0 if none. */
  clientAddress: number;
  requestedAddress: number | undefined;
  /** The server the client has chosen. */
  server: number | undefined;
}

export interface DhcpRoute {
  destination: number;
  prefixLength: number;
  router: number;
}

export interface DhcpLease {
  prefixLength: number;
  router: number;
  dns: number;
  mtu: number;
  routes: readonly DhcpRoute[];
}

export interface DhcpReply {
  type: number;
  transaction: number;
  broadcast: boolean;
  clientMac: number;
  clientAddress: number;
  /** What the client gets; 0 if it is not told. */
  yourAddress: number;
  server: number;
  leaseSeconds: number | undefined;
  lease: DhcpLease | undefined;
}

export function tryParseDhcpRequest(bytes: Buffer): DhcpRequest | undefined {
  if (bytes.length < FIXED_BYTES + 4 || bytes.readUInt32BE(FIXED_BYTES) !== MAGIC) return undefined;
  if (bytes.readUInt8(0) !== BOOT_REQUEST || bytes.readUInt16BE(1) !== ETHERNET) return undefined;
  const options = readOptions(bytes.subarray(FIXED_BYTES + 4));
  const type = options.get(Option.messageType);
  if (type?.length !== 1) return undefined;
  return {
    type: type.readUInt8(0),
    transaction: bytes.readUInt32BE(4),
    broadcast: (bytes.readUInt16BE(10) & BROADCAST_FLAG) !== 0,
    clientMac: bytes.readUIntBE(28, 6),
    clientAddress: bytes.readUInt32BE(12),
    requestedAddress: addressOf(options.get(Option.requestedAddress)),
    server: addressOf(options.get(Option.server)),
  };
}

export function encodeDhcpReply(reply: DhcpReply): Buffer {
  const fixed = Buffer.alloc(FIXED_BYTES + 4);
  fixed.writeUInt8(BOOT_REPLY, 0);
  fixed.writeUInt16BE(ETHERNET, 1);
  fixed.writeUInt32BE(reply.transaction, 4);
  fixed.writeUInt16BE(reply.broadcast ? BROADCAST_FLAG : 0, 10);
  fixed.writeUInt32BE(reply.clientAddress, 12);
  fixed.writeUInt32BE(reply.yourAddress, 16);
  fixed.writeUIntBE(reply.clientMac, 28, 6);
  fixed.writeUInt32BE(MAGIC, FIXED_BYTES);
  const parts = [fixed, option(Option.messageType, [reply.type]), option(Option.server, uint32(reply.server))];
  if (reply.leaseSeconds !== undefined) parts.push(option(Option.leaseSeconds, uint32(reply.leaseSeconds)));
  if (reply.lease !== undefined) parts.push(...leaseOptions(reply.lease));
  parts.push(Buffer.of(Option.end));
  const bytes = Buffer.concat(parts);
  return bytes.length < MINIMUM_BYTES ? Buffer.concat([bytes], MINIMUM_BYTES) : bytes;
}

function leaseOptions(lease: DhcpLease): Buffer[] {
  return [
    option(Option.netmask, uint32(netmask(lease.prefixLength))),
    option(Option.router, uint32(lease.router)),
    option(Option.dns, uint32(lease.dns)),
    option(Option.mtu, [lease.mtu >> 8, lease.mtu & 0xff]),
    option(Option.classlessRoutes, lease.routes.flatMap(routeBytes)),
  ];
}

/** Only the significant bytes of the destination are sent (RFC 3442). */
function routeBytes({ destination, prefixLength, router }: DhcpRoute): number[] {
  return [prefixLength, ...uint32(destination).slice(0, Math.ceil(prefixLength / 8)), ...uint32(router)];
}

/** The first of each kind; reading ends at the first malformed option. */
function readOptions(bytes: Buffer): Map<number, Buffer> {
  const options = new Map<number, Buffer>();
  let at = 0;
  while (at < bytes.length) {
    const kind = bytes.readUInt8(at);
    if (kind === Option.end) break;
    if (kind === Option.pad) {
      at += 1;
      continue;
    }
    if (at + 2 > bytes.length) break;
    const end = at + 2 + bytes.readUInt8(at + 1);
    if (end > bytes.length) break;
    if (!options.has(kind)) options.set(kind, bytes.subarray(at + 2, end));
    at = end;
  }
  return options;
}

function addressOf(value: Buffer | undefined): number | undefined {
  return value?.length === 4 ? value.readUInt32BE(0) : undefined;
}

function option(kind: number, value: readonly number[]): Buffer {
  return Buffer.of(kind, value.length, ...value);
}

function uint32(value: number): number[] {
  return formatIpv4Address(value).split(".").map(Number);
}
