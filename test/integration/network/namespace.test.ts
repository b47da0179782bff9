import { access, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { Scope } from "../../../src/base/scope.ts";
import { ADMINISTRATORS_PATH, runCommand } from "../../../src/host/command.ts";
import { parseIpv4Address, parseMac } from "../../../src/network/addresses.ts";
import { GATEWAY, GUEST, METADATA } from "../../../src/network/endpoints.ts";
import { DEFAULT_LIMITS, type NetworkLimits } from "../../../src/network/limits.ts";
import { obtainKeeper } from "../../../src/network/namespace/keeper-program.ts";
import { NamespaceNetwork } from "../../../src/network/namespace/namespace-network.ts";
import { ARP_BYTES, ArpOperation, tryParseArp, writeArp } from "../../../src/network/packet/arp.ts";
import { addWords, checksumOf } from "../../../src/network/packet/checksum.ts";
import { EtherType } from "../../../src/network/packet/ethernet.ts";
import { encodeIcmp, IcmpType } from "../../../src/network/packet/icmp.ts";
import { IpProtocol, tryParseIpv4 } from "../../../src/network/packet/ipv4.ts";
import { encodeUdp } from "../../../src/network/packet/udp.ts";
import type { NetworkPolicy } from "../../../src/network/policy/network-policy.ts";
import { FakeGuest, ipv4Packet, MACHINE_MAC } from "../../fakes/fake-guest.ts";
import { FakeServices, INTERNET } from "../../fakes/fake-services.ts";
import { KernelGuest, whyNoKernelGuest } from "../../fakes/kernel-guest.ts";
import { buildTapCable, TapCable } from "../../fakes/tap-cable.ts";

const PUBLIC = "93.184.215.14";
const MTU = 15_360;
const ALLOW: NetworkPolicy = {
  kind: "allow",
  rules: [
    { name: "example.org", ports: [443] },
    { subnet: parseIpv4Address("93.184.0.0"), prefixLength: 16, ports: [80, 8_000] },
    { subnet: parseIpv4Address("10.0.0.0"), prefixLength: 8, ports: [80] },
  ],
};

let directory: string;
let program: string;
let cableProgram: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "boxcar-namespace-"));
  program = await obtainKeeper(join(directory, "cache"));
  cableProgram = await buildTapCable(directory);
});

afterAll(() => rm(directory, { recursive: true, force: true }));

interface OpenOptions {
  policy?: NetworkPolicy;
  limits?: Partial<NetworkLimits>;
  mtu?: number;
}

async function openNetwork(scope: Scope, { policy, limits, mtu = MTU }: OpenOptions = {}) {
  const services = scope.use(
    new FakeServices({
      ...(policy === undefined ? {} : { policy }),
      handler: (request, response) => void response.end(`hello ${request.url}`),
    }),
  );
  const network = scope.use(
    await NamespaceNetwork.open({
      mac: MACHINE_MAC,
      mtu,
      services,
      limits: { ...DEFAULT_LIMITS, ...limits },
      means: { program, userNamespace: false },
    }),
  );
  return { services, network };
}

/** A guest with the kernel's TCP/IP. */
async function startKernelGuest(scope: Scope, options: OpenOptions = {}) {
  const { services, network } = await openNetwork(scope, options);
  const guest = scope.use(await KernelGuest.start(options.mtu ?? MTU));
  scope.use(await TapCable.plug(cableProgram, network, guest.link));
  return { services, network, guest };
}

/** A guest that sends what it likes. */
async function startFakeGuest(scope: Scope, options: OpenOptions = {}) {
  const { services, network } = await openNetwork(scope, options);
  const guest = new FakeGuest(options.mtu ?? MTU);
  scope.use(await TapCable.plug(cableProgram, network, guest.networkSide));
  return { services, network, guest };
}

function sendUdp(
  guest: FakeGuest,
  destination: number,
  destinationPort: number,
  options: { source?: number; sourcePort?: number; payload?: Buffer } = {},
): void {
  const { source = GUEST, sourcePort = 40_000, payload = Buffer.from("x") } = options;
  const header = { protocol: IpProtocol.udp, source, destination };
  guest.sendIpv4(header, encodeUdp(header, { sourcePort, destinationPort, payload }));
}

/** What the guest has sent before this has been seen by the kernel: it answers in order. */
async function answered(guest: FakeGuest): Promise<void> {
  const reply = guest.next((frame) => (frame.etherType === EtherType.arp ? tryParseArp(frame.payload) : undefined));
  sendArp(guest, { senderAddress: GUEST, targetAddress: GATEWAY });
  await reply;
}

function sendArp(guest: FakeGuest, addresses: { senderAddress: number; targetAddress: number; senderMac?: number }) {
  const packet = Buffer.alloc(ARP_BYTES);
  const mac = parseMac(MACHINE_MAC);
  writeArp(packet, { operation: ArpOperation.request, senderMac: mac, targetMac: 0, ...addresses });
  guest.sendEthernet(EtherType.arp, packet, { destination: 0xffff_ffff_ffff });
}

describe.skipIf(whyNoKernelGuest() !== undefined)("a network namespace", () => {
  describe("for a guest with a real TCP/IP stack", () => {
    it("serves metadata to it, in both directions at once", async () => {
      await using scope = new Scope();
      const { guest, network } = await startKernelGuest(scope);
      const [answers, small] = await Promise.all([
        guest.client("get", "/a", "/b"),
        guest.client("keep-alive", "/", "20"),
      ]);
      expect(answers).toMatchObject([{ bytes: 8 }, { bytes: 8 }]);
      expect(small).toEqual({ connections: 1 });
      expect(await guest.client("half-close", "/")).toMatchObject({ answer: expect.stringContaining("hello /") });
      expect(await network.stats()).toMatchObject({ connectionsOpened: 4, refused: 0 });
    });

    it("gives connections to any public address to the services, as if they were that address", async () => {
      await using scope = new Scope();
      const { guest, services } = await startKernelGuest(scope, { policy: INTERNET });
      expect(await guest.client("talk", PUBLIC, "8080", "over", "there")).toEqual({ answer: "over there" });
      expect(services.admitted).toEqual([{ protocol: "tcp", address: parseIpv4Address(PUBLIC), port: 8_080 }]);
    });

    it("takes a new connection from a port whose last one we have ended", async () => {
      await using scope = new Scope();
      const { guest, services } = await startKernelGuest(scope, { policy: INTERNET });
      services.connect = (connection) => void connection.resume().end("bye");
      expect(await guest.client("again", PUBLIC, "80", "40000")).toEqual({ answers: ["bye", "bye"] });
    });

    it("carries datagrams to any public address and back, also larger ones than its link", async () => {
      await using scope = new Scope();
      const { guest, services } = await startKernelGuest(scope, { policy: INTERNET, mtu: 1_500 });
      expect(await guest.client("datagram", PUBLIC, "443", "1200")).toEqual({ bytes: 1_200 });
      expect(services.datagrams).toMatchObject([{ address: parseIpv4Address(PUBLIC), port: 443 }]);
      services.answerDatagram = (_payload, reply) => reply(Buffer.alloc(20_000));
      expect(await guest.client("datagram", PUBLIC, "443", "10")).toEqual({ bytes: 20_000 });
    });

    it("refuses what the policy does not allow at once, and notes it once", async () => {
      await using scope = new Scope();
      const { guest, services, network } = await startKernelGuest(scope, { policy: ALLOW });
      const refused = { connected: false, code: "ECONNREFUSED" };
      const targets = [
        ["1.1.1.1", "80"],
        [PUBLIC, "81"],
        ["10.0.0.1", "80"],
        ["10.0.2.2", "80"],
        ["169.254.169.254", "81"],
        ["198.18.0.1", "80"],
      ];
      for (const [address = "", port = ""] of targets) {
        expect(await guest.client("connect", address, port), address).toEqual(refused);
      }
      expect(await guest.client("datagram", "1.1.1.1", "80", "1")).toEqual({ code: "ECONNREFUSED" });
      expect(await guest.client("connect", PUBLIC, "8000")).toEqual({ connected: true });
      expect(await guest.client("connect", "198.18.0.1", "443")).toEqual({ connected: true });
      const { refused: count } = await network.stats();
      expect(count).toBe(7);
      expect(services.notedRefused).toHaveLength(7);
      expect(services.notedRefused).toContainEqual({ protocol: "udp", address: parseIpv4Address("1.1.1.1"), port: 80 });
      await network.stats();
      expect(services.notedRefused).toHaveLength(7);
      await guest.client("connect", "1.1.1.1", "80");
      await network[Symbol.asyncDispose]();
      expect(services.notedRefused).toHaveLength(8);
    });

    it("resets a connection that only the services refuse", async () => {
      await using scope = new Scope();
      const { guest, services, network } = await startKernelGuest(scope, { policy: INTERNET });
      services.admit = () => false;
      expect(await guest.client("talk", PUBLIC, "80", "x")).toEqual({ code: "ECONNRESET" });
      expect(await network.stats()).toMatchObject({ refused: 1, connections: 0 });
    });

    it("changes what may be reached while the machine runs, and leaves open connections alone", async () => {
      await using scope = new Scope();
      const { guest, services, network } = await startKernelGuest(scope);
      expect(await guest.client("connect", PUBLIC, "80")).toMatchObject({ code: "ECONNREFUSED" });
      await network.setPolicy(INTERNET);
      const taken = Promise.withResolvers<void>();
      const released = Promise.withResolvers<void>();
      services.connect = async (connection) => {
        taken.resolve();
        await released.promise;
        connection.pipe(connection);
      };
      const answer = guest.client("talk", PUBLIC, "80", "still here");
      await taken.promise;
      await network.setPolicy({ kind: "isolated" });
      expect(await guest.client("connect", PUBLIC, "80")).toMatchObject({ code: "ECONNREFUSED" });
      released.resolve();
      expect(await answer).toEqual({ answer: "still here" });
    });

    it("settles on the last of many policies", async () => {
      await using scope = new Scope();
      const { guest, network } = await startKernelGuest(scope);
      const policies = [INTERNET, ALLOW, { kind: "isolated" }, ALLOW, INTERNET] as const;
      await Promise.all(policies.map((policy) => network.setPolicy(policy)));
      expect(await guest.client("connect", "1.1.1.1", "80")).toEqual({ connected: true });
    });

    it("answers DNS at the gateway, and elsewhere unless the machine is isolated", async () => {
      await using scope = new Scope();
      const { guest, services, network } = await startKernelGuest(scope);
      const name = "metadata.boxcar.internal";
      const found = { addresses: ["169.254.169.254"] };
      expect(await guest.client("resolve", name)).toEqual(found);
      expect(await guest.client("resolve", name, "8.8.8.8")).toEqual({ code: "ECONNREFUSED" });
      await network.setPolicy(ALLOW);
      expect(await guest.client("resolve", name, "8.8.8.8")).toEqual(found);
      expect(await guest.client("resolve", name, "192.168.1.1")).toEqual(found);
      expect(await guest.client("resolve", name, "169.254.169.254")).toEqual(found);
      expect(await guest.client("resolve", "elsewhere.example")).toEqual({ code: "EREFUSED" });
      expect(services.queries).toEqual(["udp", "udp", "udp", "udp", "udp"]);
    });

    it("answers DNS over TCP", async () => {
      await using scope = new Scope();
      const { guest, services } = await startKernelGuest(scope);
      services.resolve = async (message) => Buffer.from(message.toString().toUpperCase());
      expect(await guest.client("talk", "10.0.2.2", "53", `\u0001\u0001${"a".repeat(257)}`)).toEqual({
        answer: `\u0001\u0001${"A".repeat(257)}`,
      });
      expect(services.queries).toEqual(["tcp"]);
    });

    it("limits connections, of services and to the outside", async () => {
      await using scope = new Scope();
      const limits = { serviceConnections: 1, outsideConnections: 1 };
      const { guest, services, network } = await startKernelGuest(scope, { policy: INTERNET, limits });
      const taken = Promise.withResolvers<void>();
      services.connect = (connection) => {
        connection.on("close", () => {});
        connection.resume();
        taken.resolve();
      };
      const first = guest.client("talk", PUBLIC, "80", "x");
      await taken.promise;
      expect(await guest.client("talk", PUBLIC, "80", "x")).toEqual({ code: "ECONNRESET" });
      expect(await guest.client("get", "/")).toMatchObject([{ bytes: 7 }]);
      expect(await network.stats()).toMatchObject({ connectionsOverLimit: 1, connections: 1 });
      await network[Symbol.asyncDispose]();
      expect(await first).toMatchObject({ code: expect.stringMatching(/^(ECONNRESET|ETIMEDOUT|EHOSTUNREACH)$/) });
    });

    it("holds back a guest that is limited in bytes, in both directions", async () => {
      await using scope = new Scope();
      const bytesPerSecond = 2_000_000;
      const { guest, services } = await startKernelGuest(scope, { limits: { bytesPerSecond } });
      services.setHandler((request, response) => {
        request.resume();
        response.end(Buffer.alloc(request.method === "GET" ? 3_000_000 : 2));
      });
      const began = performance.now();
      expect(await guest.client("get", "/large")).toMatchObject([{ bytes: 3_000_000 }]);
      // Unlimited, it takes a tenth of that; a busy host makes it only slower.
      expect(performance.now() - began).toBeGreaterThan(1_000);
    });
  });

  describe("for a guest that sends what it likes", () => {
    it("answers DHCP with the one lease", async () => {
      await using scope = new Scope();
      const { guest, network } = await startFakeGuest(scope);
      const offer = guest.nextIpv4(IpProtocol.udp);
      sendUdp(guest, 0xffff_ffff, 67, { source: 0, sourcePort: 68, payload: dhcpDiscover(parseMac(MACHINE_MAC)) });
      const { source, destination, payload } = await offer;
      expect({ source, destination }).toEqual({ source: GATEWAY, destination: 0xffff_ffff });
      const message = payload.subarray(8);
      expect(message.readUInt32BE(16)).toBe(GUEST);
      expect(message.includes(Buffer.of(26, 2, MTU >> 8, MTU & 0xff))).toBe(true);
      sendUdp(guest, 0xffff_ffff, 67, { source: 0, sourcePort: 68, payload: dhcpDiscover(0x5254_0099_9999) });
      await vi.waitFor(async () => expect(await network.stats()).toMatchObject({ dropped: { malformed: 1 } }));
    });

    it("drops and counts what is not from the machine", async () => {
      await using scope = new Scope();
      const { guest, services, network } = await startFakeGuest(scope, { policy: INTERNET });
      const outside = parseIpv4Address(PUBLIC);
      guest.sendEthernet(EtherType.ipv4, Buffer.alloc(40), { source: 0x0200_0000_0001 });
      guest.sendEthernet(EtherType.ipv4, Buffer.alloc(40), { destination: 0x0200_0000_0001 });
      guest.sendEthernet(EtherType.ipv6, Buffer.alloc(40));
      guest.sendEthernet(0x8100, Buffer.alloc(40));
      sendUdp(guest, outside, 443, { source: parseIpv4Address("10.0.2.16") });
      sendUdp(guest, outside, 443, { source: METADATA });
      sendUdp(guest, outside, 443, { source: 0 });
      sendArp(guest, { senderAddress: GATEWAY, targetAddress: GATEWAY });
      sendArp(guest, { senderAddress: GUEST, targetAddress: GATEWAY, senderMac: 0x0200_0000_0001 });
      sendArp(guest, { senderAddress: GUEST, targetAddress: parseIpv4Address("10.0.2.99") });
      await answered(guest);
      expect(await network.stats()).toMatchObject({
        dropped: { "spoofed-mac": 2, "not-for-network": 1, unsupported: 2, "spoofed-address": 4 },
      });
      expect(services.datagrams).toEqual([]);
    });

    it("drops fragments, and packets with a wrong checksum", async () => {
      await using scope = new Scope();
      const { guest, services, network } = await startFakeGuest(scope, { policy: INTERNET });
      const header = { protocol: IpProtocol.udp, source: GUEST, destination: parseIpv4Address(PUBLIC) };
      const udp = encodeUdp(header, { sourcePort: 1, destinationPort: 2, payload: Buffer.from("x") });
      const fragment = ipv4Packet(header, udp);
      fragment.writeUInt16BE(0x2000, 6);
      guest.sendEthernet(EtherType.ipv4, fragment);
      udp.writeUInt16BE(0x1234, 6);
      guest.sendIpv4(header, udp);
      await vi.waitFor(async () => {
        expect(await network.stats()).toMatchObject({ dropped: { fragment: 1, "bad-checksum": 1 } });
      });
      expect(services.datagrams).toEqual([]);
    });

    it("limits how often it is asked for addresses and names, and pinged", async () => {
      await using scope = new Scope();
      const { guest, network } = await startFakeGuest(scope);
      const echo = encodeIcmp({ type: IcmpType.echoRequest, code: 0, rest: 0x1_0001, body: Buffer.alloc(8) });
      for (let i = 0; i < 2_000; i++) {
        sendUdp(guest, 0xffff_ffff, 67, { source: 0, sourcePort: 68 });
        sendUdp(guest, GATEWAY, 53);
        guest.sendIpv4({ protocol: IpProtocol.icmp, destination: GATEWAY }, echo);
      }
      await guest.flushed();
      await answered(guest);
      const { dropped, framesFromGuest } = await network.stats();
      expect(framesFromGuest).toBe(6_001);
      expect(dropped["rate-limited"]).toBeGreaterThan(4_000);
      expect(dropped["rate-limited"]).toBeLessThan(6_000 - 40 - 400 - 20 + 1);
    });

    it("tells it of each datagram that is refused, up to a limit", async () => {
      await using scope = new Scope();
      const { guest, network } = await startFakeGuest(scope);
      let told = 0;
      guest.onFrame((frame) => {
        if (frame.etherType === EtherType.ipv4 && tryParseIpv4(frame.payload)?.protocol === IpProtocol.icmp) told += 1;
      });
      for (let i = 0; i < 200; i++) sendUdp(guest, parseIpv4Address(PUBLIC), 9);
      await answered(guest);
      expect(told).toBeGreaterThanOrEqual(20);
      expect(told).toBeLessThan(200);
      expect(await network.stats()).toMatchObject({ refused: 200 });
    });

    it("carries datagrams however few hops they may go, and drops what its link is too short for", async () => {
      await using scope = new Scope();
      const { guest, services, network } = await startFakeGuest(scope, { policy: INTERNET, mtu: 1_500 });
      const far = { protocol: IpProtocol.udp, source: GUEST, destination: parseIpv4Address(PUBLIC) };
      const datagram = (bytes: number) =>
        encodeUdp(far, { sourcePort: 5, destinationPort: 443, payload: Buffer.alloc(bytes) });
      const reply = guest.nextIpv4(IpProtocol.udp);
      guest.sendEthernet(EtherType.ipv4, withTimeToLive(ipv4Packet(far, datagram(10)), 1));
      expect((await reply).payload).toHaveLength(18);
      guest.sendEthernet(EtherType.ipv4, ipv4Packet(far, datagram(1_473)));
      guest.sendEthernet(EtherType.ipv4, ipv4Packet(far, datagram(1_472)));
      await vi.waitFor(async () => expect(services.datagrams).toHaveLength(2));
      expect(await network.stats()).toMatchObject({ dropped: { malformed: 1 } });
    });

    it("tells it of faults in its packets no more often than of refusals, and not on the host's account", async () => {
      await using scope = new Scope();
      const { guest, network } = await startFakeGuest(scope, { policy: INTERNET });
      let told = 0;
      guest.onFrame((frame) => {
        if (frame.etherType === EtherType.ipv4 && tryParseIpv4(frame.payload)?.protocol === IpProtocol.icmp) told += 1;
      });
      const badOption = Buffer.of(7, 200, 4, 0);
      const header = { protocol: IpProtocol.udp, source: GUEST, destination: parseIpv4Address(PUBLIC) };
      const packet = ipv4Packet(header, Buffer.concat([badOption, Buffer.alloc(8)]));
      packet.writeUInt8(0x46, 0);
      for (let i = 0; i < 2_000; i++) guest.sendEthernet(EtherType.ipv4, withTimeToLive(packet, 64));
      await answered(guest);
      expect(told).toBeGreaterThanOrEqual(20);
      // The host's own limit lets 50 pass at once.
      expect(told).toBeLessThan(50);
      expect(await network.stats()).toMatchObject({ dropped: { malformed: 2_000 } });
    });

    it("limits packets", async () => {
      await using scope = new Scope();
      const { guest, network } = await startFakeGuest(scope, { limits: { packetsPerSecond: 100 } });
      for (let i = 0; i < 1_000; i++) sendUdp(guest, METADATA, 9);
      await vi.waitFor(async () => expect((await network.stats()).framesFromGuest).toBe(1_000));
      const { dropped } = await network.stats();
      expect(dropped["rate-limited"]).toBeGreaterThan(0);
    });

    it("limits how many flows it notes, and goes on refusing", async () => {
      await using scope = new Scope();
      const { guest, services, network } = await startFakeGuest(scope);
      for (let port = 1; port <= 6_000; port++) sendUdp(guest, parseIpv4Address(PUBLIC), port);
      await vi.waitFor(async () => expect(await network.stats()).toMatchObject({ refused: 6_000 }));
      expect(services.notedRefused).toHaveLength(4_096);
    });
  });

  describe("while it lasts", () => {
    it("leaves nothing in this namespace, even with 20 at once", async () => {
      const before = await hostState();
      await using scope = new Scope();
      const networks = await Promise.all(Array.from({ length: 20 }, () => openNetwork(scope)));
      expect(await hostState()).toEqual(before);
      await Promise.all(networks.map(({ network }) => network[Symbol.asyncDispose]()));
      for (const { network } of networks) expect(await network.closed).toBeUndefined();
      expect(await hostState()).toEqual(before);
      for (const { network } of networks) await expect(access(`/proc/${network.pid}`)).rejects.toThrow("ENOENT");
    });

    it("says so when the namespace is gone", async () => {
      await using scope = new Scope();
      const { network } = await openNetwork(scope);
      process.kill(network.pid, "SIGKILL");
      expect(await network.closed).toMatchObject({ code: "network-namespace-failed", message: /SIGKILL/ });
      await expect(network.setPolicy(INTERNET)).rejects.toMatchObject({ code: "network-namespace-failed" });
    });

    it("keeps no right that its keeper does not need", async () => {
      await using scope = new Scope();
      const { network } = await openNetwork(scope);
      const status = await readFile(`/proc/${network.pid}/status`, "utf8");
      for (const set of ["Inh", "Prm", "Eff", "Bnd", "Amb"])
        expect(status).toMatch(new RegExp(`^Cap${set}:\\t0+$`, "m"));
      expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    });

    it("has a keeper that nobody without rights can look into or take over, though it is the same user", async () => {
      await using scope = new Scope();
      const { network } = await openNetwork(scope);
      const other = await openNetwork(scope);
      const memory = [...other.network.enter, "sh", "-c", `exec 3<>/proc/${network.pid}/mem`] as const;
      await expect(runCommand([...memory])).rejects.toMatchObject({ message: /Permission denied/ });
      await expect(runCommand([...other.network.enter, "true"])).resolves.toBeDefined();
    });

    it("lets nobody in who comes too late", async () => {
      await using scope = new Scope();
      const { network } = await openNetwork(scope);
      process.kill(network.pid, "SIGKILL");
      await network.closed;
      expect(() => network.enter).toThrow(/network namespace has ended/);
    });

    it("is not opened at all where one step fails", async () => {
      await using services = new FakeServices();
      const limits = { ...DEFAULT_LIMITS, connectionsPerSecond: -1 };
      const opening = NamespaceNetwork.open({
        ...{ mac: MACHINE_MAC, mtu: MTU, services, limits },
        means: { program, userNamespace: false },
      });
      await expect(opening).rejects.toMatchObject({ code: "network-namespace-failed", message: /nft|syntax|rate/ });
    });
  });
});

function withTimeToLive(packet: Buffer, hops: number): Buffer {
  const headerBytes = (packet.readUInt8(0) & 0xf) * 4;
  packet.writeUInt8(hops, 8);
  packet.writeUInt16BE(0, 10);
  packet.writeUInt16BE(checksumOf(addWords(0, packet.subarray(0, headerBytes))), 10);
  return packet;
}

/** The fixed part, the magic number, and that it is a discovery. */
function dhcpDiscover(mac: number): Buffer {
  const message = Buffer.alloc(300);
  message.writeUInt32BE(0x0101_0600, 0);
  message.writeUInt32BE(0x1234_5678, 4);
  message.writeUInt16BE(0x8000, 10);
  message.writeUIntBE(mac, 28, 6);
  message.writeUInt32BE(0x6382_5363, 236);
  message.set([53, 1, 1, 255], 240);
  return message;
}

async function hostState(): Promise<string> {
  const commands = [
    ["ip", "-o", "link"],
    ["ip", "rule"],
    ["ip", "netns"],
    ["nft", "list", "ruleset"],
  ] as const;
  const outputs = await Promise.all(
    commands.map((command) => runCommand([...command], { env: { PATH: ADMINISTRATORS_PATH } })),
  );
  return outputs.map(({ stdout }) => stdout).join("");
}
