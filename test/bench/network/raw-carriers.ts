/**
 * Networks as they are without Boxcar: QEMU's own, and a plain HTTP server at the address where Boxcar has its own. To be
 * run in a network namespace that is the benchmark's.
 */
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { execa } from "execa";
import { Scope } from "../../../src/base/scope.ts";
import { ADDRESSING } from "../../../src/network/addressing.ts";
import { ADMINISTRATOR } from "../../fixtures/network/outside-programs.ts";
import type { Carrier } from "./carrier.ts";

const { gatewayAddress, gatewayMac, prefixLength, metadataAddress, metadataPort } = ADDRESSING;

/** slirp: it connects to the address that the guest names, from this process's namespace. */
export async function openRawUser(): Promise<Carrier> {
  await makeLinks([`address add ${metadataAddress}/32 dev lo`]);
  return await serveAround((id) => `user,id=${id}`);
}

/** A tap device with no more around it than addresses. */
export async function openRawTap(mtu: number): Promise<Carrier> {
  await makeLinks([
    "tuntap add tap0 mode tap",
    `link set tap0 address ${gatewayMac} mtu ${mtu}`,
    `address add ${gatewayAddress}/${prefixLength} dev tap0`,
    `address add ${metadataAddress}/32 dev tap0`,
    "link set tap0 up",
  ]);
  return await serveAround((id) => `tap,id=${id},ifname=tap0,script=no,downscript=no,vnet_hdr=off`);
}

async function makeLinks(lines: readonly string[]): Promise<void> {
  await execa("ip", ["-batch", "-"], { env: ADMINISTRATOR, input: lines.join("\n") });
}

async function serveAround(netdev: (id: string) => string): Promise<Carrier> {
  await using scope = new Scope();
  let handler: RequestListener | undefined;
  const server = createServer((request, response) => handler?.(request, response));
  server.listen({ host: metadataAddress, port: metadataPort });
  await once(server, "listening");
  scope.defer(() => {
    server.close();
    server.closeAllConnections();
  });
  const owned = scope.move();
  return {
    network: {
      enter: [],
      netdev,
      connect: (link) => link.on("error", () => {}).resume(),
    },
    serve: async (listener) => {
      handler = listener;
    },
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
}
