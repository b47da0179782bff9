/** Where a request comes from. */
import type { IncomingMessage } from "node:http";
import proxyAddr from "proxy-addr";

/** Whether an address stands for many: that of a proxy, or of this host, where one may be that nobody has named. */
export function isOfMany(proxies: readonly string[]): (address: string) => boolean {
  const isProxy = proxyAddr.compile(["loopback", ...proxies]);
  return (address) => isProxy(address, 0);
}

/** @param proxies Addresses and subnets whose `X-Forwarded-For` is believed. */
export function addressReader(proxies: readonly string[]): (request: IncomingMessage) => string | undefined {
  const isProxy = proxyAddr.compile([...proxies]);
  return (request) => {
    // A connection that has broken meanwhile has no address any more.
    if (request.socket.remoteAddress === undefined) return undefined;
    return proxyAddr(request, isProxy).replace(/^::ffff:(?=\d+\.)/, "");
  };
}
