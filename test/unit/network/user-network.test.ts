import type { IncomingMessage, ServerResponse } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { parseIpv4Address, parseMac } from "../../../src/network/addresses.ts";
import { GATEWAY, GATEWAY_MAC, GUEST, METADATA } from "../../../src/network/endpoints.ts";
import { ARP_BYTES, ArpOperation, type ArpPacket, tryParseArp, writeArp } from "../../../src/network/packet/arp.ts";
import { BROADCAST_MAC, EtherType } from "../../../src/network/packet/ethernet.ts";
import { encodeIcmp, IcmpType, tryParseIcmp } from "../../../src/network/packet/icmp.ts";
import { IpProtocol } from "../../../src/network/packet/ipv4.ts";
import { encodeUdp, tryParseUdp } from "../../../src/network/packet/udp.ts";
import { MAX_FRAME_BYTES } from "../../../src/network/user/frame-decoder.ts";
import { TcpFlag } from "../../../src/network/user/tcp/tcp-segment.ts";
import { TcpSocket } from "../../../src/network/user/tcp/tcp-socket.ts";
import { UserNetwork } from "../../../src/network/user/user-network.ts";
import { FakeGuest, ipv4Packet, MACHINE_MAC } from "../../fakes/fake-guest.ts";
import { FakeServices } from "../../fakes/fake-services.ts";

const OTHER = parseIpv4Address("10.0.2.99");
const MAC = parseMac(MACHINE_MAC);
const disposables: AsyncDisposable[] = [];

afterEach(async () => {
  for (const disposable of disposables.splice(0)) await disposable[Symbol.asyncDispose]();
});

async function start(
  handler?: (request: IncomingMessage, response: ServerResponse) => void,
  options: { mtu?: number; guestMtu?: number } = {},
) {
  const { mtu = 1_500, guestMtu = mtu } = options;
  const services = new FakeServices({ handler });
  const network = await UserNetwork.open({ mac: MACHINE_MAC, mtu, services });
  disposables.push(network, services);
  const guest = new FakeGuest(guestMtu);
  network.connect(guest.networkSide);
  return { network, services, guest };
}

function hello(_request: IncomingMessage, response: ServerResponse): void {
  response.end("hello");
}

function arp(overrides: Partial<ArpPacket>): Buffer {
  const out = Buffer.alloc(ARP_BYTES);
  const request = { operation: ArpOperation.request, senderMac: MAC, senderAddress: GUEST };
  writeArp(out, { ...request, targetMac: 0, targetAddress: GATEWAY, ...overrides });
  return out;
}

function echo(body = "ping"): Buffer {
  return encodeIcmp({ type: IcmpType.echoRequest, code: 0, rest: 0x0001_0002, body: Buffer.from(body) });
}

function udp(destination: number, destinationPort: number, payload: Buffer, sourcePort = 30_000): Buffer {
  const header = { protocol: IpProtocol.udp, source: GUEST, destination };
  return encodeUdp(header, { sourcePort, destinationPort, payload });
}

/** Asks something harmless and waits for the answer, so that everything sent before was dealt with. */
async function settle(guest: FakeGuest): Promise<void> {
  const answer = guest.next((frame) => (frame.etherType === EtherType.arp ? frame : undefined));
  guest.sendEthernet(EtherType.arp, arp({ targetAddress: METADATA }));
  await answer;
}

describe("a machine's network", () => {
  it("answers ARP for the gateway and the metadata address with one MAC address", async () => {
    const { guest } = await start();
    for (const targetAddress of [GATEWAY, METADATA]) {
      const answer = guest.next((frame) => tryParseArp(frame.payload));
      guest.sendEthernet(EtherType.arp, arp({ targetAddress }), { destination: BROADCAST_MAC });
      expect(await answer).toEqual({
        operation: ArpOperation.reply,
        senderMac: GATEWAY_MAC,
        senderAddress: targetAddress,
        targetMac: MAC,
        targetAddress: GUEST,
      });
    }
  });

  it("does not answer ARP for anybody else, so that the guest finds its own address free", async () => {
    const { network, guest } = await start();
    guest.sendEthernet(EtherType.arp, arp({ senderAddress: 0, targetAddress: GUEST }));
    guest.sendEthernet(EtherType.arp, arp({ targetAddress: OTHER }));
    await settle(guest);
    expect(await network.stats()).toMatchObject({ framesFromGuest: 3, framesToGuest: 1 });
  });

  it("answers pings of the gateway and of the metadata address, and of nothing else", async () => {
    const { network, guest } = await start();
    for (const destination of [GATEWAY, METADATA]) {
      const answer = guest.nextIpv4(IpProtocol.icmp);
      guest.sendIpv4({ protocol: IpProtocol.icmp, destination }, echo("are you there?"));
      const packet = await answer;
      expect(packet.source).toBe(destination);
      expect(tryParseIcmp(packet.payload)).toMatchObject({
        type: IcmpType.echoReply,
        rest: 0x0001_0002,
        body: Buffer.from("are you there?"),
      });
    }
    guest.sendIpv4({ protocol: IpProtocol.icmp, destination: OTHER }, echo());
    await settle(guest);
    expect(await network.stats()).toMatchObject({ framesToGuest: 3, refused: 1 });
  });

  it("limits how often it answers pings", async () => {
    const { network, guest } = await start();
    for (let i = 0; i < 500; i++) guest.sendIpv4({ protocol: IpProtocol.icmp, destination: GATEWAY }, echo());
    await settle(guest);
    const { dropped, framesToGuest } = await network.stats();
    expect(dropped["rate-limited"]).toBeGreaterThan(400);
    expect(framesToGuest).toBeLessThan(100);
  });

  it("gives the address by DHCP to a guest that has none yet", async () => {
    const { guest } = await start();
    const discover = Buffer.alloc(244);
    discover.write("010106", 0, "hex");
    discover.writeUIntBE(MAC, 28, 6);
    discover.write("63825363" + "350101" + "ff", 236, "hex");
    const header = { protocol: IpProtocol.udp, source: 0, destination: 0xffff_ffff };
    const datagram = encodeUdp(header, { sourcePort: 68, destinationPort: 67, payload: discover });
    const answer = guest.nextIpv4(IpProtocol.udp);
    guest.sendEthernet(EtherType.ipv4, ipv4Packet(header, datagram), { destination: BROADCAST_MAC });
    const packet = await answer;
    expect(packet).toMatchObject({ source: GATEWAY, destination: 0xffff_ffff });
    const reply = tryParseUdp(packet.payload);
    expect(reply).toMatchObject({ sourcePort: 67, destinationPort: 68 });
    expect(reply?.payload.readUInt32BE(16)).toBe(GUEST);
  });

  it("refuses names other than its own, and counts them", async () => {
    const { network, guest } = await start();
    const query = Buffer.from("0001" + "0100" + "0001" + "000000000000" + "03666f6f00" + "00010001", "hex");
    const answer = guest.nextIpv4(IpProtocol.udp);
    guest.sendIpv4({ protocol: IpProtocol.udp, destination: GATEWAY }, udp(GATEWAY, 53, query));
    const reply = tryParseUdp((await answer).payload);
    expect(reply).toMatchObject({ sourcePort: 53, destinationPort: 30_000 });
    expect((reply?.payload.readUInt16BE(2) ?? 0) & 0xf).toBe(5);
    expect(await network.stats()).toMatchObject({ refused: 1 });
  });

  it("says that other UDP ports are unreachable, quoting what was refused", async () => {
    const { network, guest } = await start();
    const answer = guest.nextIpv4(IpProtocol.icmp);
    guest.sendIpv4({ protocol: IpProtocol.udp, destination: OTHER }, udp(OTHER, 123, Buffer.from("time?")));
    const message = tryParseIcmp((await answer).payload);
    expect(message).toMatchObject({ type: IcmpType.unreachable, code: 3 });
    expect(message?.body).toHaveLength(28);
    expect(await network.stats()).toMatchObject({ refused: 1 });
  });

  it.each([
    ["another port of the metadata address", METADATA, 443],
    ["the gateway", GATEWAY, 80],
    ["another machine", OTHER, 22],
    ["loopback", 0x7f00_0001, 80],
    ["the internet", parseIpv4Address("93.184.216.34"), 443],
  ])("resets a connection to %s", async (_what, destination, destinationPort) => {
    const { network, guest } = await start();
    const answer = guest.nextTcp();
    guest.sendTcp({ flags: TcpFlag.syn, sequence: 1_000, destinationPort }, { destination });
    expect(await answer).toMatchObject({ flags: TcpFlag.rst | TcpFlag.ack, acknowledgement: 1_001 });
    expect(await network.stats()).toMatchObject({ refused: 1, connections: 0 });
  });

  it("resets segments of connections that it does not know", async () => {
    const { guest } = await start();
    const answer = guest.nextTcp();
    guest.sendTcp({ flags: TcpFlag.ack, sequence: 5, acknowledgement: 4_242 });
    expect(await answer).toMatchObject({ flags: TcpFlag.rst, sequence: 4_242 });
  });
});

describe("a guest that pretends", () => {
  it.each<[string, string, (guest: FakeGuest) => void]>([
    ["another MAC address", "spoofed-mac", (g) => g.sendEthernet(EtherType.arp, arp({}), { source: 0x0254_0000_0001 })],
    ["another MAC address inside ARP", "spoofed-mac", (g) => g.sendEthernet(EtherType.arp, arp({ senderMac: 42 }))],
    [
      "the gateway's MAC address",
      "spoofed-mac",
      (g) => g.sendEthernet(EtherType.arp, arp({ senderMac: GATEWAY_MAC }), { source: GATEWAY_MAC }),
    ],
    [
      "the metadata address in ARP",
      "spoofed-address",
      (g) => g.sendEthernet(EtherType.arp, arp({ operation: ArpOperation.reply, senderAddress: METADATA })),
    ],
    [
      "another IP address",
      "spoofed-address",
      (g) => g.sendIpv4({ protocol: IpProtocol.icmp, source: OTHER, destination: GATEWAY }, echo()),
    ],
    ["the metadata address", "spoofed-address", (g) => g.sendTcp({ flags: TcpFlag.syn }, { source: METADATA })],
    ["no address, without asking for one", "spoofed-address", (g) => g.sendTcp({ flags: TcpFlag.syn }, { source: 0 })],
    [
      "to speak to somebody else",
      "not-for-network",
      (g) => g.sendEthernet(EtherType.arp, arp({}), { destination: 0x0254_0000_0002 }),
    ],
    ["IPv6", "unsupported", (g) => g.sendEthernet(EtherType.ipv6, Buffer.alloc(40))],
    ["a runt", "malformed", (g) => g.sendFrame(Buffer.alloc(13))],
    ["a cut-off packet", "malformed", (g) => g.sendEthernet(EtherType.ipv4, Buffer.alloc(19))],
    ["a cut-off segment", "malformed", (g) => g.sendIpv4({ protocol: 6, destination: METADATA }, Buffer.alloc(10))],
    [
      "a wrong checksum",
      "bad-checksum",
      (g) =>
        g.sendIpv4(
          { protocol: 6, destination: METADATA },
          Buffer.from(`${"00".repeat(12)}5002${"00".repeat(6)}`, "hex"),
        ),
    ],
  ])("to be or to send %s is ignored and counted", async (_what, reason, send) => {
    const { network, guest } = await start();
    send(guest);
    await settle(guest);
    expect(await network.stats()).toMatchObject({
      framesFromGuest: 2,
      framesToGuest: 1,
      dropped: { [reason]: 1 },
      connections: 0,
    });
  });

  it.each([1_500, 15_360])(
    "is heard with packets of %d bytes if its card carries that many, not with larger ones",
    async (mtu) => {
      const { network, guest } = await start(hello, { mtu });
      const answer = guest.nextIpv4(IpProtocol.icmp);
      const header = { protocol: IpProtocol.icmp, destination: GATEWAY };
      guest.sendIpv4(header, echo("x".repeat(mtu - 28)));
      expect((await answer).payload.length).toBe(mtu - 20);
      guest.sendIpv4(header, echo("x".repeat(mtu - 27)));
      guest.sendFrame(Buffer.alloc(MAX_FRAME_BYTES));
      await settle(guest);
      expect(await network.stats()).toMatchObject({ framesFromGuest: 4, framesToGuest: 2, dropped: { malformed: 2 } });
    },
  );

  it.each([1_500, 15_360])(
    "exchanges packets of %d bytes, as it says, on a card that carries large ones",
    async (guestMtu) => {
      const echoBody = async (request: IncomingMessage, response: ServerResponse) =>
        response.end(Buffer.concat(await request.toArray()));
      const { network, guest } = await start((...args) => void echoBody(...args), { mtu: 15_360, guestMtu });
      const sizes: number[] = [];
      guest.onFrame(({ payload }) => sizes.push(payload.length));
      const client = await guest.connect(50_000);
      const body = Buffer.alloc(40_000, "0123456789abc");
      const head = `PUT / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n`;
      client.send(Buffer.concat([Buffer.from(head), body]));
      await client.ended;
      client.end();
      expect(client.received.subarray(-body.length).equals(body)).toBe(true);
      expect(Math.max(...sizes)).toBe(guestMtu);
      expect((await network.stats()).dropped.malformed).toBe(0);
    },
  );

  it("has its fragments dropped", async () => {
    const { network, guest } = await start();
    const packet = ipv4Packet({ protocol: 17, source: GUEST, destination: GATEWAY }, Buffer.alloc(8));
    packet.writeUInt16BE(0x2000, 6);
    guest.sendEthernet(EtherType.ipv4, packet);
    await settle(guest);
    expect(await network.stats()).toMatchObject({ dropped: { fragment: 1 } });
  });
});

describe("the metadata service", () => {
  it("answers with the handler of the moment, and with 503 without one", async () => {
    const { network, guest } = await start();
    const unavailable = await guest.get("/", 50_001);
    expect(unavailable).toMatch(/^HTTP\/1.1 503 /);
    expect(JSON.parse(unavailable.slice(unavailable.indexOf("\r\n\r\n")))).toMatchObject({ code: "Unavailable" });
    network.setHandler(hello);
    expect(await guest.get("/", 50_002)).toMatch(/^HTTP\/1.1 200 .*hello/s);
    network.setHandler(undefined);
    expect(await guest.get("/", 50_003)).toMatch(/^HTTP\/1.1 503 /);
  });

  it("tells two machines with equal MAC and IP addresses apart", async () => {
    const one = await start((_request, response) => response.end("you are one"));
    const two = await start((_request, response) => response.end("you are two"));
    const answers = await Promise.all([one.guest.get("/"), two.guest.get("/")]);
    expect(answers[0]).toContain("you are one");
    expect(answers[1]).toContain("you are two");
  });

  it("answers a client that has already ended its side", async () => {
    const { guest } = await start((_request, response) => setImmediate(() => response.end("late answer")));
    const client = await guest.connect(41_000);
    client.send(Buffer.from("GET / HTTP/1.1\r\nhost: x\r\n\r\n"));
    client.end();
    await client.ended;
    expect(client.received.toString()).toContain("late answer");
  });

  it("forgets a connection that both sides have ended", async () => {
    const { network, guest } = await start(hello);
    await guest.get("/");
    await settle(guest);
    expect(await network.stats()).toMatchObject({ connections: 0, connectionsOpened: 1 });
  });

  it("gives the request of a resetting client an error, and goes on", async () => {
    const aborted = Promise.withResolvers<void>();
    const { guest } = await start((request, response) => {
      if (request.method === "GET") return hello(request, response);
      request.on("error", () => aborted.resolve());
      request.resume();
    });
    const client = await guest.connect(41_000);
    client.send(Buffer.from("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nhalf"));
    client.abort();
    await aborted.promise;
    expect(await guest.get("/")).toContain("hello");
  });

  it("hands websocket connections to the upgrade handler", async () => {
    const { network, guest } = await start(hello);
    network.setUpgradeHandler((_request, socket) => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
      socket.pipe(socket);
    });
    const client = await guest.connect(41_000);
    client.send(Buffer.from("GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"));
    while (!client.received.includes("\r\n\r\n")) await client.progress();
    client.send(Buffer.from("echo me"));
    while (!client.received.includes("echo me")) await client.progress();
    client.end();
    await client.ended;
  });
});

describe("a connection as a stream", () => {
  it("tells when nothing has moved for a while", async () => {
    const { network, guest } = await start();
    network.setUpgradeHandler((_request, socket) => {
      if (!(socket instanceof TcpSocket)) throw new Error("not a connection of the network");
      socket.setTimeout(10, () => {
        socket.write("too quiet");
        socket.destroySoon();
      });
    });
    const client = await guest.connect(41_000);
    client.send(Buffer.from("GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"));
    await client.ended;
    expect(client.received.toString()).toBe("too quiet");
  });
});

describe("the life of a network", () => {
  it("tells when the machine has closed the link", async () => {
    const { network, guest } = await start();
    guest.powerOff();
    expect(await network.closed).toBeUndefined();
  });

  it("ends requests under way when the link ends", async () => {
    const asked = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<void>();
    const { guest } = await start((_request, response) => {
      response.on("close", () => aborted.resolve());
      asked.resolve();
    });
    const client = await guest.connect(41_000);
    client.send(Buffer.from("GET / HTTP/1.1\r\nhost: x\r\n\r\n"));
    await asked.promise;
    guest.powerOff();
    await aborted.promise;
  });

  it("reports a link that is out of step", async () => {
    const { network, guest } = await start();
    guest.sendRaw(Buffer.from("ffffffff00", "hex"));
    expect(await network.closed).toMatchObject({ code: "network-bad-frame", blame: "host" });
  });

  it("is connected once", async () => {
    const { network, guest } = await start(hello);
    const second = new FakeGuest();
    expect(() => network.connect(second.networkSide)).toThrow(
      expect.objectContaining({ code: "network-already-connected" }),
    );
    expect(second.networkSide.destroyed).toBe(true);
    expect(await guest.get("/")).toContain("hello");
  });

  it("can be disposed at any time, twice at once", async () => {
    const { network, guest } = await start((_request, response) => response.write("never ends"));
    const client = await guest.connect(41_000);
    client.send(Buffer.from("GET / HTTP/1.1\r\nhost: x\r\n\r\n"));
    while (!client.received.includes("never ends")) await client.progress();
    await Promise.all([network[Symbol.asyncDispose](), network[Symbol.asyncDispose]()]);
    expect(guest.networkSide.destroyed).toBe(true);
    expect(await network.closed).toBeUndefined();
    expect(await network.stats()).toMatchObject({ connections: 0 });
  });

  it("refuses a malformed MAC address", async () => {
    await expect(UserNetwork.open({ mac: "nonsense", mtu: 1_500, services: new FakeServices() })).rejects.toThrow(
      TypeError,
    );
  });
});
