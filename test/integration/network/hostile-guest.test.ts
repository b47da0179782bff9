import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { afterEach, describe, expect, it } from "vitest";
import { parseIpv4Address, parseMac } from "../../../src/network/addresses.ts";
import { GATEWAY, GATEWAY_MAC, GUEST, METADATA } from "../../../src/network/endpoints.ts";
import { DEFAULT_LIMITS, type NetworkLimits } from "../../../src/network/limits.ts";
import { ETHERNET_HEADER_BYTES, EtherType, writeEthernetHeader } from "../../../src/network/packet/ethernet.ts";
import { IPV4_HEADER_BYTES, transportChecksum, writeIpv4Header } from "../../../src/network/packet/ipv4.ts";
import { TcpFlag } from "../../../src/network/user/tcp/tcp-segment.ts";
import { UserNetwork } from "../../../src/network/user/user-network.ts";
import { FakeGuest, MACHINE_MAC } from "../../fakes/fake-guest.ts";
import { FakeServices, INTERNET } from "../../fakes/fake-services.ts";

const FAR = { address: parseIpv4Address("93.184.0.1"), port: 443 };
const MIB = 1_024 * 1_024;
const disposables: AsyncDisposable[] = [];

afterEach(async () => {
  for (const disposable of disposables.splice(0)) await disposable[Symbol.asyncDispose]();
});

async function start(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
  limits: Partial<NetworkLimits> = {},
) {
  const services = new FakeServices({ handler });
  const network = await UserNetwork.open({
    mac: MACHINE_MAC,
    mtu: 15_360,
    services,
    limits: { ...DEFAULT_LIMITS, ...limits },
  });
  disposables.push(network, services);
  const guest = new FakeGuest();
  network.connect(guest.networkSide);
  return { network, services, guest };
}

function hello(_request: IncomingMessage, response: ServerResponse): void {
  response.end("hello");
}

/** A reproducible stream of bytes (xorshift32). */
function randomBytes(seed: number): (count: number) => Buffer {
  let state = seed;
  return (count) => {
    const bytes = Buffer.alloc(count);
    for (let i = 0; i < count; i++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      bytes[i] = state;
    }
    return bytes;
  };
}

interface HostileRange {
  readonly destinations: readonly number[];
  readonly tcpPorts: readonly number[];
  readonly udpPorts: readonly number[];
}

const OWN: HostileRange = {
  destinations: [GATEWAY, METADATA, METADATA, 0xffff_ffff],
  tcpPorts: [80],
  udpPorts: [53, 67, 7],
};
const EVERYWHERE: HostileRange = {
  destinations: [GATEWAY, METADATA, FAR.address, FAR.address + 1, 0xffff_ffff, 0],
  tcpPorts: [80, 53, 443, 3_128],
  udpPorts: [53, 67, 443],
};

/** Random, but right as far as a layer that is chosen at random, so that every layer gets its share. */
function hostileFrame(random: (count: number) => Buffer, range: HostileRange): Buffer {
  const [depth = 0, size = 0, protocol = 0, flags = 0, destination = 0, port = 0] = random(6);
  const frame = random(14 + (size % 2 === 0 ? size : size * 5));
  if (depth % 8 === 0) return frame;
  const etherType = depth % 8 === 1 ? EtherType.arp : EtherType.ipv4;
  writeEthernetHeader(frame, { destination: GATEWAY_MAC, source: parseMac(MACHINE_MAC), etherType });
  const packet = frame.subarray(ETHERNET_HEADER_BYTES);
  if (depth % 8 < 3 || packet.length < IPV4_HEADER_BYTES + 20) return frame;
  const header = {
    protocol: [1, 6, 6, 6, 17, 17, 99][protocol % 7] as number,
    source: GUEST,
    destination: range.destinations[destination % range.destinations.length] as number,
  };
  const payload = packet.subarray(IPV4_HEADER_BYTES);
  writeIpv4Header(packet, header, payload.length);
  const ports = header.protocol === 6 ? range.tcpPorts : range.udpPorts;
  payload.writeUInt16BE(ports[port % ports.length] as number, 2);
  if (header.protocol === 6) {
    payload.writeUInt16BE(60_000 + (flags % 16), 0);
    payload[12] = (5 + (flags % 3)) << 4;
    payload.writeUInt16BE(0, 16);
    if (depth % 16 < 12) payload.writeUInt16BE(transportChecksum(header, payload), 16);
  } else if (header.protocol === 17) {
    payload.writeUInt16BE(payload.length, 4);
    payload.writeUInt16BE(0, 6);
  }
  return frame;
}

describe("a hostile guest", () => {
  it("still gets its answer after 60,000 random frames", async () => {
    const { network, guest } = await start(hello);
    const random = randomBytes(20_261_121);
    for (let i = 0; i < 60_000; i++) {
      guest.sendFrame(hostileFrame(random, OWN));
      if (i % 500 === 0) await guest.flushed();
    }
    await guest.flushed();
    expect(await guest.get("/")).toContain("hello");
    const { framesFromGuest, dropped, connections } = await network.stats();
    expect(framesFromGuest).toBeGreaterThan(60_000);
    // Sixteen ports to open connections from, and the one of the GET.
    expect(connections).toBeLessThanOrEqual(17);
    for (const reason of ["malformed", "spoofed-mac", "bad-checksum", "rate-limited"] as const) {
      expect(dropped[reason], reason).toBeGreaterThan(0);
    }
  });

  it("still gets its answer after 60,000 random frames to everywhere", async () => {
    const { network, services, guest } = await start(hello);
    services.setPolicy(INTERNET);
    services.admit = ({ address }) => address === FAR.address;
    const random = randomBytes(1_121_969);
    for (let i = 0; i < 60_000; i++) {
      guest.sendFrame(hostileFrame(random, EVERYWHERE));
      if (i % 500 === 0) await guest.flushed();
    }
    await guest.flushed();
    expect(await guest.get("/")).toContain("hello");
    const { connections, refused } = await network.stats();
    // Sixteen ports, to four of one address and to three services, and the one of the GET.
    expect(connections).toBeLessThanOrEqual(16 * (4 + 5) + 1);
    expect(refused).toBeGreaterThan(1_000);
    expect(services.admitted.length).toBeGreaterThan(100);
    expect(services.datagrams.length).toBeGreaterThan(100);
    expect(services.queries.length).toBeGreaterThan(100);
    expect(services.notedRefused.length).toBeGreaterThan(100);
  });

  it("does no harm with segments beside what is right on open connections", async () => {
    const { network, services, guest } = await start(hello);
    services.setPolicy(INTERNET);
    const random = randomBytes(4_711);
    const places = [FAR, { ...FAR, port: 53 }, { address: METADATA, port: 80 }, { address: METADATA, port: 3_128 }];
    for (let round = 0; round < 40; round++) {
      const clients = await Promise.all(places.map((place, i) => guest.connect(10_000 + round * 10 + i, place)));
      for (let i = 0; i < 200; i++) {
        const [which = 0, flags = 0, sequence = 0, acknowledgement = 0, window = 0, size = 0] = random(6);
        // Resets would end most of it at once.
        const kept = flags & (i < 150 ? ~TcpFlag.rst : 0xff);
        clients[which % clients.length]?.sendOdd({
          flags: which < 200 ? kept | TcpFlag.ack : kept,
          sequence: sequence < 150 ? 0 : sequence - 200,
          acknowledgement: acknowledgement < 150 ? 0 : (acknowledgement - 200) * 100,
          window: window < 20 ? 0 : window * 256,
          payload: random(size % 2 === 0 ? 0 : size),
        });
      }
      await guest.flushed();
    }
    expect((await network.stats()).connectionsOpened).toBe(160);
    expect(await guest.get("/", 60_000)).toContain("hello");
    const client = await guest.connect(60_001, FAR);
    client.send(Buffer.from("and outside too"));
    while (client.receivedBytes < 15) await client.progress();
  });

  it("gets no more than its connections to the outside out of 20,000 attempts to as many addresses", async () => {
    const { network, services, guest } = await start(hello, { connectionsPerSecond: 1_000_000 });
    services.setPolicy(INTERNET);
    for (let i = 0; i < 20_000; i++) {
      const destination = FAR.address + i;
      guest.sendTcp({ flags: TcpFlag.syn, sourcePort: 1 + (i % 60_000), destinationPort: 443 }, { destination });
      if (i % 500 === 0) await guest.flushed();
    }
    await guest.flushed();
    const { outsideConnections } = DEFAULT_LIMITS;
    expect(await network.stats()).toMatchObject({
      connections: outsideConnections,
      connectionsOpened: 0,
      connectionsOverLimit: 20_000 - outsideConnections,
    });
    expect(await guest.get("/", 61_000)).toContain("hello");
  });

  it("can send no more than a bounded amount to places that do not read, on all connections together", async () => {
    const { services, guest } = await start(hello, { connectionsPerSecond: 1_000_000 });
    services.setPolicy(INTERNET);
    services.connect = () => {};
    const clients = await Promise.all(
      Array.from({ length: DEFAULT_LIMITS.outsideConnections }, (_, i) => guest.connect(1 + i, FAR)),
    );
    let sent = 0;
    let before = -1;
    while (before !== sent) {
      before = sent;
      for (const client of clients) {
        const { room } = client;
        if (room > 0) client.send(Buffer.alloc(room));
        sent += room;
      }
      await guest.flushed();
      for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(sent).toBeGreaterThan(clients.length * 32 * 1_024);
    expect(sent).toBeLessThan(64 * MIB);
  });

  it("makes nobody wait with datagrams and queries that nobody answers", async () => {
    const { network, services, guest } = await start(hello);
    services.setPolicy(INTERNET);
    services.answerDatagram = () => {};
    services.resolve = () => new Promise(() => {});
    for (let i = 0; i < 20_000; i++) {
      guest.sendUdp({ address: FAR.address + (i % 5_000), port: i % 3 === 0 ? 53 : 443 }, Buffer.alloc(i % 500), 1 + i);
      if (i % 500 === 0) await guest.flushed();
    }
    await guest.flushed();
    const { dropped } = await network.stats();
    expect(services.queries).toHaveLength(64);
    expect((dropped["too-many-queries"] ?? 0) + (dropped["rate-limited"] ?? 0)).toBeGreaterThan(6_000);
    expect(await guest.get("/")).toContain("hello");
  });

  it("gets no more than 128 connections out of 1,500 attempts", async () => {
    const { network, guest } = await start(hello);
    for (let port = 1; port <= 1_500; port++) guest.sendTcp({ flags: TcpFlag.syn, sourcePort: port, sequence: port });
    await guest.flushed();
    const { connections, connectionsOverLimit, dropped } = await network.stats();
    expect(connections).toBe(128);
    expect(connectionsOverLimit + (dropped["rate-limited"] ?? 0)).toBe(1_500 - 128);
    expect(connectionsOverLimit).toBeGreaterThan(0);
  });

  it("can connect again once its connections have ended", async () => {
    const { network, guest } = await start(hello);
    const clients = await Promise.all(Array.from({ length: 128 }, (_, i) => guest.connect(20_000 + i)));
    await expect(guest.connect(30_000)).rejects.toThrow("connection refused");
    for (const client of clients) client.abort();
    await guest.flushed();
    expect(await network.stats()).toMatchObject({ connections: 0, connectionsOverLimit: 1 });
    expect(await guest.get("/")).toContain("hello");
  });

  it("has connections closed on which it never ends its headers", async () => {
    const { network, guest } = await start(hello);
    const [silent, slow, normal] = [await guest.connect(1), await guest.connect(2), await guest.connect(3)];
    normal.send(Buffer.from("GET / HTTP/1.1\r\nhost: x\r\n\r\n"));
    slow.send(Buffer.from("GET / HTTP/1.1\r\n"));
    const drip = setInterval(() => slow.send(Buffer.from("x: y\r\n")), 300);
    await Promise.all([slow.reset, silent.reset]);
    clearInterval(drip);
    expect(normal.received.toString()).toContain("hello");
    expect(await network.stats()).toMatchObject({ connections: 1 });
  });

  it("that takes nothing from its card is not sent more than a bounded amount", async () => {
    let offered = 0;
    const { network, guest } = await start((_request, response) => {
      const source = new Readable({
        read() {
          offered += 64 * 1_024;
          this.push(Buffer.alloc(64 * 1_024));
        },
      });
      pipeline(source, response).catch(() => {});
    });
    const clients = await Promise.all(Array.from({ length: 100 }, (_, i) => guest.connect(20_000 + i)));
    guest.pause();
    for (const client of clients) {
      client.send(Buffer.from("GET / HTTP/1.1\r\nhost: x\r\n\r\n"));
      // Acknowledging blindly must not make the service send more than the link takes.
      for (let i = 0; i < 20; i++) client.acknowledge();
    }
    let before = -1;
    while (before !== offered) {
      before = offered;
      await guest.flushed();
      for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await network.stats()).waitingBytes).toBeLessThanOrEqual(512 * 1_024 + 64 * 1_024);
    expect(offered).toBeLessThan(64 * MIB);
    guest.resume();
    await clients[99]?.progress();
  });

  it("can send no more than a bounded amount to a handler that does not read", async () => {
    const asked = Promise.withResolvers<IncomingMessage>();
    const { guest } = await start((request) => asked.resolve(request));
    const client = await guest.connect(1);
    await client.sendAll(Buffer.from("PUT / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000000\r\n\r\n"));
    const request = await asked.promise;
    let sent = 0;
    const sending = (async () => {
      for (; sent < MIB; sent += 1_024) await client.sendAll(Buffer.alloc(1_024));
    })();
    let before = -1;
    while (before !== sent) {
      before = sent;
      for (let i = 0; i < 200; i++) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(sent).toBeGreaterThan(128 * 1_024);
    expect(sent).toBeLessThan(512 * 1_024);
    request.resume();
    await sending;
  });

  it.each([1, 3])("moves 20 MiB each way unchanged, on %d connections", async (count) => {
    const data = Buffer.alloc(20 * MIB, randomBytes(7)(10_007));
    const digest = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
    const { guest } = await start((request, response) => {
      if (request.method === "GET") {
        void pipeline(Readable.from([data.subarray(0, 5 * MIB), data.subarray(5 * MIB)]), response);
        return;
      }
      const hash = createHash("sha256");
      request.on("data", (chunk) => hash.update(chunk));
      request.on("end", () => response.end(hash.digest("hex")));
    });
    await Promise.all(
      Array.from({ length: count }, async (_, i) => {
        const client = await guest.connect(100 + i);
        const head = `PUT / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: ${data.length}\r\n\r\n`;
        await client.sendAll(Buffer.concat([Buffer.from(head), data]));
        await client.ended;
        expect(client.received.toString()).toContain(digest(data));
        const download = await guest.connect(200 + i);
        download.send(Buffer.from("GET / HTTP/1.0\r\nhost: x\r\n\r\n"));
        await download.ended;
        const body = download.received.subarray(download.received.indexOf("\r\n\r\n") + 4);
        expect(digest(body)).toBe(digest(data));
      }),
    );
  });
});
