/** Answers DHCP on a socket that the keeper has opened. The rules of nftables limit how often it is asked. */
import type { Socket } from "node:dgram";
import { ADDRESSING } from "../addressing.ts";
import { encodeDhcpReply, tryParseDhcpRequest } from "../dhcp/dhcp-message.ts";
import { dhcpReplyTo } from "../dhcp/dhcp-server.ts";
import { GUEST } from "../endpoints.ts";
import type { Counters } from "../user/counters.ts";

const CLIENT_PORT = 68;
const LIMITED_BROADCAST = "255.255.255.255";

export interface DhcpOptions {
  /** Of the only client, as a uint48. */
  machineMac: number;
  mtu: number;
  counters: Counters;
}

/** Until the socket is closed. */
export function serveDhcp(socket: Socket, { machineMac, mtu, counters }: DhcpOptions): void {
  socket.on("error", () => {});
  socket.on("message", (message) => {
    const request = tryParseDhcpRequest(message);
    const reply = request?.clientMac === machineMac ? dhcpReplyTo(request, mtu) : undefined;
    if (reply === undefined) {
      counters.drop("malformed");
      return;
    }
    const destination = reply.clientAddress === GUEST ? ADDRESSING.guestAddress : LIMITED_BROADCAST;
    // What cannot be sent is asked for again.
    socket.send(encodeDhcpReply(reply), CLIENT_PORT, destination, () => {});
  });
}
