import type { Duplex } from "node:stream";
import { afterEach, describe, expect, it } from "vitest";
import { parseIpv4Address } from "../../../src/network/addresses.ts";
import { GATEWAY, METADATA } from "../../../src/network/endpoints.ts";
import { DEFAULT_LIMITS, type NetworkLimits } from "../../../src/network/limits.ts";
import { IcmpType, tryParseIcmp } from "../../../src/network/packet/icmp.ts";
import { IpProtocol } from "../../../src/network/packet/ipv4.ts";
import { hasValidUdpChecksum, tryParseUdp } from "../../../src/network/packet/udp.ts";
import { ISOLATED, type NetworkPolicy } from "../../../src/network/policy/network-policy.ts";
import type { Destination } from "../../../src/network/services.ts";
import { TcpFlag } from "../../../src/network/user/tcp/tcp-segment.ts";
import { TcpSocket } from "../../../src/network/user/tcp/tcp-socket.ts";
import { UserNetwork } from "../../../src/network/user/user-network.ts";
import { FakeGuest, MACHINE_MAC } from "../../fakes/fake-guest.ts";
import { FakeServices, INTERNET } from "../../fakes/fake-services.ts";

const FAR = { address: parseIpv4Address("93.184.216.34"), port: 443 };
const OTHER = { address: parseIpv4Address("1.1.1.1"), port: 443 };
const QUERY = Buffer.from(`000101000001000000000000${"086d65746164617461"}${"00"}00010001`, "hex");
const REFUSED_QUERY = Buffer.from(`000101000001000000000000${"03666f6f"}${"00"}00010001`, "hex");
const disposables: AsyncDisposable[] = [];

afterEach(async () => {
  for (const disposable of disposables.splice(0)) await disposable[Symbol.asyncDispose]();
});

async function start(policy: NetworkPolicy = INTERNET, limits: Partial<NetworkLimits> = {}, mtu = 1_500) {
  const services = new FakeServices({ policy, handler: (_request, response) => response.end("hello") });
  const network = await UserNetwork.open({ mac: MACHINE_MAC, mtu, services, limits: { ...DEFAULT_LIMITS, ...limits } });
  disposables.push(network, services);
  const guest = new FakeGuest(mtu);
  network.connect(guest.networkSide);
  return { network, services, guest };
}

/** The next datagram to the guest, and where it says it comes from. */
async function nextDatagram(guest: FakeGuest) {
  const packet = await guest.nextIpv4(IpProtocol.udp);
  expect(hasValidUdpChecksum(packet, packet.payload)).toBe(true);
  return { source: packet.source, ...tryParseUdp(packet.payload) };
}

function framed(message: Buffer): Buffer {
  return Buffer.concat([Buffer.of(message.length >> 8, message.length & 0xff), message]);
}

/** A connection that the services have been given. */
function nextConnection(services: FakeServices): Promise<{ socket: Duplex; destination: Destination }> {
  return new Promise((resolve) => {
    services.connect = (socket, destination) => resolve({ socket, destination });
  });
}

describe("a connection to the outside", () => {
  it("is given to the services, with the destination, and carries bytes both ways", async () => {
    const { network, services, guest } = await start();
    const given = nextConnection(services);
    const client = await guest.connect(40_000, FAR);
    const { socket, destination } = await given;
    expect(destination).toEqual(FAR);
    expect(socket).toMatchObject({
      localAddress: "93.184.216.34",
      localPort: 443,
      remoteAddress: "10.0.2.15",
      remotePort: 40_000,
    });
    expect(services.admitted).toEqual([{ protocol: "tcp", ...FAR }]);
    client.send(Buffer.from("question"));
    expect(String((await socket[Symbol.asyncIterator]().next()).value)).toBe("question");
    expect(await network.stats()).toMatchObject({ connections: 1, connectionsOpened: 1, refused: 0 });
  });

  it("may be ended by the guest first, and answered afterwards", async () => {
    const { services, guest } = await start();
    const given = nextConnection(services);
    const client = await guest.connect(40_000, FAR);
    const { socket } = await given;
    client.send(Buffer.from("all I have to say"));
    client.end();
    const heard: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => heard.push(chunk));
    await new Promise((resolve) => socket.once("end", resolve));
    expect(Buffer.concat(heard).toString()).toBe("all I have to say");
    socket.end("an answer");
    await client.ended;
    expect(client.received.toString()).toBe("an answer");
  });

  it("may be ended by the other side first, and goes on in the other direction", async () => {
    const { services, guest } = await start();
    const given = nextConnection(services);
    const client = await guest.connect(40_000, FAR);
    const { socket } = await given;
    socket.end("greeting");
    await client.ended;
    client.send(Buffer.from("still here"));
    client.end();
    expect(Buffer.concat(await socket.toArray()).toString()).toBe("still here");
  });

  it("is another one for each destination, with the same port of the guest", async () => {
    const { network, guest } = await start();
    const clients = [
      await guest.connect(40_000, FAR),
      await guest.connect(40_000, OTHER),
      await guest.connect(40_000, { ...FAR, port: 80 }),
      await guest.connect(40_000),
    ];
    expect(await network.stats()).toMatchObject({ connections: 4 });
    for (const [i, client] of clients.slice(0, 3).entries()) client.send(Buffer.from(`number ${i}`));
    for (const [i, client] of clients.slice(0, 3).entries()) {
      while (client.receivedBytes < 8) await client.progress();
      expect(client.received.toString()).toBe(`number ${i}`);
    }
    clients[1]?.abort();
    await guest.flushed();
    expect(await network.stats()).toMatchObject({ connections: 3 });
  });

  it.each(["destroy", "resetAndDestroy"] as const)("is reset for the guest by %s", async (method) => {
    const { services, guest } = await start();
    services.connect = (socket) => {
      if (!(socket instanceof TcpSocket)) throw new Error("not a connection of the network");
      socket[method]();
    };
    const client = await guest.connect(40_000, FAR);
    await client.reset;
  });

  it("is reset by resetAndDestroy even if everything was sent and taken", async () => {
    const { services, guest } = await start();
    const given = nextConnection(services);
    const client = await guest.connect(40_000, FAR);
    const { socket } = await given;
    socket.end();
    await new Promise((resolve) => socket.once("finish", resolve));
    (socket as TcpSocket).resetAndDestroy();
    await client.reset;
  });

  it("is refused by a reset if the services do not admit it", async () => {
    const { network, services, guest } = await start();
    services.admit = ({ port }) => port === 80;
    await expect(guest.connect(40_000, FAR)).rejects.toThrow("connection refused");
    await guest.connect(40_001, { ...FAR, port: 80 });
    expect(await network.stats()).toMatchObject({ refused: 1, connections: 1 });
    expect(services.notedRefused).toEqual([]);
  });

  it("is refused without a question to the services if it is for nobody outside", async () => {
    const { network, services, guest } = await start();
    await expect(guest.connect(40_000, { address: GATEWAY, port: 22 })).rejects.toThrow("connection refused");
    expect(services.notedRefused).toEqual([{ protocol: "tcp", address: GATEWAY, port: 22 }]);
    expect(services.admitted).toEqual([]);
    expect(await network.stats()).toMatchObject({ refused: 1 });
  });

  it("is refused under the isolated policy, whatever the services admit", async () => {
    const { services, guest } = await start(ISOLATED);
    await expect(guest.connect(40_000, FAR)).rejects.toThrow("connection refused");
    expect(services.notedRefused).toEqual([{ protocol: "tcp", ...FAR }]);
  });

  it("stays when the policy changes, and is the last one", async () => {
    const { network, guest } = await start();
    const client = await guest.connect(40_000, FAR);
    await network.setPolicy(ISOLATED);
    client.send(Buffer.from("still open"));
    while (client.receivedBytes < 10) await client.progress();
    await expect(guest.connect(40_001, FAR)).rejects.toThrow("connection refused");
    await network.setPolicy(INTERNET);
    await guest.connect(40_002, FAR);
  });

  it("has a cap of its own, beside that of services", async () => {
    const { network, guest } = await start(INTERNET, { outsideConnections: 2, serviceConnections: 1 });
    const clients = [await guest.connect(1, FAR), await guest.connect(2, FAR)];
    await expect(guest.connect(3, FAR)).rejects.toThrow("connection refused");
    clients.push(await guest.connect(4));
    await expect(guest.connect(5)).rejects.toThrow("connection refused");
    expect(await network.stats()).toMatchObject({ connections: 3, connectionsOverLimit: 2 });
    clients[0]?.abort();
    await guest.flushed();
    await guest.connect(6, FAR);
  });

  it("may be opened only so often", async () => {
    const { network, guest } = await start(INTERNET, { connectionsPerSecond: 5 });
    for (let port = 1; port <= 500; port++) {
      guest.sendTcp({ flags: TcpFlag.syn, sourcePort: port, destinationPort: 443 }, { destination: FAR.address });
    }
    await guest.flushed();
    const { connections, dropped } = await network.stats();
    expect(connections).toBeGreaterThanOrEqual(10);
    expect(connections).toBeLessThan(100);
    expect(connections + (dropped["rate-limited"] ?? 0)).toBe(500);
  });

  it("keeps what comes in tiny pieces, and is not read, in few pieces", async () => {
    const { services, guest } = await start();
    const given = nextConnection(services);
    const client = await guest.connect(40_000, FAR);
    const { socket } = await given;
    socket.once("readable", () => {});
    for (let i = 0; i < 5_000; i++) client.send(Buffer.of(i));
    client.end();
    await guest.flushed();
    let chunks = 0;
    let received = 0;
    for await (const chunk of socket) {
      chunks += 1;
      received += chunk.length;
    }
    expect(received).toBe(5_000);
    expect(chunks).toBeLessThan(10);
  });
});

describe("the proxy", () => {
  it("gets connections to its port, under every policy", async () => {
    for (const policy of [ISOLATED, INTERNET]) {
      const { guest } = await start(policy);
      const client = await guest.connect(40_000, { address: METADATA, port: 3_128 });
      client.send(Buffer.from("CONNECT"));
      client.end();
      await client.ended;
      expect(client.received.toString()).toBe("CONNECT");
    }
  });
});

describe("datagrams to the outside", () => {
  it("are given to the services, and replies come from where they were sent to", async () => {
    const { services, guest } = await start();
    services.answerDatagram = (payload, reply) => {
      reply(Buffer.from(`${payload}, one`));
      setImmediate(() => reply(Buffer.from(`${payload}, two`)));
    };
    const first = nextDatagram(guest);
    guest.sendUdp(FAR, Buffer.from("question"), 1_234);
    const expected = { source: FAR.address, sourcePort: 443, destinationPort: 1_234 };
    expect(await first).toEqual({ ...expected, payload: Buffer.from("question, one") });
    expect(await nextDatagram(guest)).toEqual({ ...expected, payload: Buffer.from("question, two") });
    expect(services.datagrams).toEqual([{ ...FAR, guestPort: 1_234 }]);
    expect(services.admitted).toEqual([{ protocol: "udp", ...FAR }]);
  });

  it("belong to the services: nothing that comes later changes them", async () => {
    const { services, guest } = await start();
    const payloads: Buffer[] = [];
    services.answerDatagram = (payload) => payloads.push(payload);
    for (let i = 0; i < 50; i++) guest.sendUdp(FAR, Buffer.from(`datagram ${i}`));
    await guest.flushed();
    expect(payloads.map(String)).toEqual(Array.from({ length: 50 }, (_, i) => `datagram ${i}`));
  });

  it("are said to be unreachable if the services do not admit them", async () => {
    const { network, services, guest } = await start();
    services.admit = () => false;
    const answer = guest.nextIpv4(IpProtocol.icmp);
    guest.sendUdp(FAR, Buffer.from("?"));
    expect(tryParseIcmp((await answer).payload)).toMatchObject({ type: IcmpType.unreachable, code: 3 });
    expect(await network.stats()).toMatchObject({ refused: 1 });
    expect(services.notedRefused).toEqual([]);
    expect(services.datagrams).toEqual([]);
  });

  it("are refused under the isolated policy, and noted", async () => {
    const { services, guest } = await start(ISOLATED);
    const answer = guest.nextIpv4(IpProtocol.icmp);
    guest.sendUdp(FAR, Buffer.from("?"));
    await answer;
    expect(services.notedRefused).toEqual([{ protocol: "udp", ...FAR }]);
  });

  it("do not go to groups of hosts, and nobody is told", async () => {
    const { network, services, guest } = await start();
    for (const address of ["224.0.0.251", "239.255.255.250", "255.255.255.255"]) {
      guest.sendUdp({ address: parseIpv4Address(address), port: 5_353 }, Buffer.from("?"));
    }
    await guest.flushed();
    expect(await network.stats()).toMatchObject({ refused: 3, framesToGuest: 0 });
    expect([...services.datagrams, ...services.notedRefused]).toEqual([]);
  });

  it("do not come from a guest without an address", async () => {
    const { network, services, guest } = await start();
    // It looks like DHCP.
    const ports = Buffer.from("0044004300080000", "hex");
    guest.sendIpv4({ protocol: IpProtocol.udp, source: 0, destination: FAR.address }, ports);
    await guest.flushed();
    expect(await network.stats()).toMatchObject({ refused: 1, framesToGuest: 0 });
    expect(services.datagrams).toEqual([]);
  });

  it("may have replies that take several packets", async () => {
    const { services, guest } = await start();
    const body = Buffer.from(Array.from({ length: 4_000 }, (_, i) => i % 251));
    services.answerDatagram = (_payload, reply) => reply(body);
    const parts: Buffer[] = [];
    const whole = new Promise<void>((resolve) => {
      guest.onFrame(({ payload }) => {
        const flags = payload.readUInt16BE(6);
        expect(payload.length).toBeLessThanOrEqual(1_500);
        expect((flags & 0x1fff) * 8).toBe(parts.reduce((sum, { length }) => sum + length, 0));
        parts.push(payload.subarray(20));
        if ((flags & 0x2000) === 0) resolve();
      });
    });
    guest.sendUdp(FAR, Buffer.from("much?"));
    await whole;
    expect(parts).toHaveLength(3);
    const datagram = Buffer.concat(parts);
    const header = { protocol: IpProtocol.udp, source: FAR.address, destination: parseIpv4Address("10.0.2.15") };
    expect(hasValidUdpChecksum(header, datagram)).toBe(true);
    expect(tryParseUdp(datagram)?.payload.equals(body)).toBe(true);
  });

  it("have no replies that are too large for any datagram", async () => {
    const { network, services, guest } = await start();
    services.answerDatagram = (_payload, reply) => {
      reply(Buffer.alloc(65_508));
      reply(Buffer.from("small"));
    };
    const answer = nextDatagram(guest);
    guest.sendUdp(FAR, Buffer.from("?"));
    expect((await answer).payload?.toString()).toBe("small");
    expect((await network.stats()).dropped.malformed).toBe(1);
  });

  it("may be answered when nobody is there any more", async () => {
    const { network, services, guest } = await start();
    let late: ((payload: Buffer) => void) | undefined;
    services.answerDatagram = (_payload, reply) => {
      late = reply;
    };
    guest.sendUdp(FAR, Buffer.from("?"));
    await guest.flushed();
    await network[Symbol.asyncDispose]();
    expect(() => late?.(Buffer.from("!"))).not.toThrow();
  });
});

describe("DNS", () => {
  it.each([
    { policy: ISOLATED, address: "10.0.2.2", answered: true },
    { policy: ISOLATED, address: "8.8.8.8", answered: false },
    { policy: INTERNET, address: "10.0.2.2", answered: true },
    { policy: INTERNET, address: "8.8.8.8", answered: true },
    { policy: INTERNET, address: "192.168.1.1", answered: true },
    { policy: { kind: "allow", rules: [] } as const, address: "8.8.8.8", answered: true },
  ])("to $address under $policy.kind is answered: $answered", async ({ policy, address, answered }) => {
    const { services, guest } = await start(policy);
    services.admit = () => false;
    const server = { address: parseIpv4Address(address), port: 53 };
    const refusal = guest.nextIpv4(IpProtocol.icmp);
    const answer = nextDatagram(guest);
    guest.sendUdp(server, QUERY, 5_555);
    if (answered) {
      expect(await answer).toMatchObject({ source: server.address, sourcePort: 53, destinationPort: 5_555 });
      const client = await guest.connect(40_000, server);
      client.send(framed(QUERY));
      client.end();
      await client.ended;
      expect(client.received.readUInt16BE(0)).toBe(client.receivedBytes - 2);
      expect(services.queries).toEqual(["udp", "tcp"]);
    } else {
      await refusal;
      await expect(guest.connect(40_000, server)).rejects.toThrow("connection refused");
      expect(services.queries).toEqual([]);
    }
  });

  it("counts names that are refused, over UDP and over TCP", async () => {
    const { network, guest } = await start();
    const answer = nextDatagram(guest);
    guest.sendUdp({ address: GATEWAY, port: 53 }, REFUSED_QUERY);
    await answer;
    const client = await guest.connect(40_000, { address: GATEWAY, port: 53 });
    client.send(framed(REFUSED_QUERY));
    client.end();
    await client.ended;
    expect(await network.stats()).toMatchObject({ refused: 2 });
  });

  it("answers no more than a number of questions at once, and goes on afterwards", async () => {
    const { network, services, guest } = await start();
    const underWay: ((reply: Buffer) => void)[] = [];
    services.resolve = () => new Promise((resolve) => underWay.push(resolve));
    for (let port = 1; port <= 100; port++) guest.sendUdp({ address: GATEWAY, port: 53 }, QUERY, port);
    await guest.flushed();
    expect(underWay).toHaveLength(64);
    expect((await network.stats()).dropped["too-many-queries"]).toBe(36);
    const first = nextDatagram(guest);
    underWay[0]?.(Buffer.from("late answer"));
    expect(await first).toMatchObject({ destinationPort: 1, payload: Buffer.from("late answer") });
    const next = nextDatagram(guest);
    guest.sendUdp({ address: GATEWAY, port: 53 }, QUERY, 101);
    await guest.flushed();
    underWay[64]?.(Buffer.from("next"));
    expect(await next).toMatchObject({ destinationPort: 101 });
  });

  it("survives services that fail, and answers nothing then", async () => {
    const { network, services, guest } = await start();
    services.resolve = () => Promise.reject(new Error("a bug"));
    guest.sendUdp({ address: GATEWAY, port: 53 }, QUERY);
    const client = await guest.connect(40_000, { address: GATEWAY, port: 53 });
    client.send(framed(QUERY));
    await client.reset;
    expect(await network.stats()).toMatchObject({ framesToGuest: expect.any(Number), connections: 0 });
    expect(await guest.get("/")).toContain("hello");
  });
});
