import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Scope } from "../../../src/base/scope.ts";
import { serveDnsOverTcp } from "../../../src/network/dns/dns-over-tcp.ts";
import { GuestResolver } from "../../../src/network/dns/guest-resolver.ts";
import { HostUpstream } from "../../../src/network/dns/host-upstream.ts";
import { LocalRecords } from "../../../src/network/dns/local-records.ts";
import { RecordLookup } from "../../../src/network/dns/record-lookup.ts";
import { UpstreamCache } from "../../../src/network/dns/upstream-cache.ts";
import type { EgressEntry } from "../../../src/network/egress/egress-entry.ts";
import { VirtualAddresses } from "../../../src/network/egress/virtual-addresses.ts";
import { AddressVetting } from "../../../src/network/policy/address-vetting.ts";
import { INTERNET, ISOLATED, type NetworkPolicy } from "../../../src/network/policy/network-policy.ts";
import { NameServer } from "../../fixtures/network/name-server.ts";

const OWN_ADDRESS = "93.184.216.99";
const TEXTS = Array.from({ length: 20 }, (_, index) => [`${index}-${"x".repeat(200)}`]);
const ALLOW: NetworkPolicy = { kind: "allow", rules: [{ name: "*.example.org", ports: [443] }] };

let server: NameServer;

beforeAll(async () => {
  server = await NameServer.start([
    "local=/example.org/",
    "local=/example.net/",
    "host-record=www.example.org,93.184.216.34,2001:db8::1",
    "host-record=www.example.net,93.184.216.34",
    "host-record=cdn.example.org,93.184.216.34",
    "host-record=rebind.example.org,10.0.0.1",
    "host-record=rebind.example.org,127.0.0.1",
    "host-record=rebind.example.org,169.254.169.254",
    `host-record=own.example.org,${OWN_ADDRESS}`,
    "host-record=mixed.example.org,192.168.1.1",
    "host-record=mixed.example.org,93.184.216.35",
    "cname=alias.example.org,www.example.org",
    "srv-host=_http._tcp.example.org,www.example.net,8080,1,2",
    ...TEXTS.map(([text]) => `txt-record=long.example.org,${text}`),
  ]);
});

afterAll(() => server[Symbol.asyncDispose]());

interface Machine extends AsyncDisposable {
  client: Resolver;
  log: EgressEntry[];
  lookup: RecordLookup;
}

/** A machine whose messages come in datagrams and connections, and c-ares as the client in it. */
async function startMachine(policy: NetworkPolicy): Promise<Machine> {
  await using scope = new Scope();
  const records = new LocalRecords({
    hosts: { "mirror.internal": "10.1.2.3" },
    srv: [{ name: "_http._tcp.mirror.internal", target: "mirror.internal", port: 8_080, priority: 1, weight: 2 }],
  });
  const upstream = new UpstreamCache(new HostUpstream({ servers: [server.address] }));
  const log: EgressEntry[] = [];
  const resolver = scope.use(
    new GuestResolver({
      records,
      upstream,
      policy: () => policy,
      vetting: new AddressVetting(() => [OWN_ADDRESS]),
      virtual: new VirtualAddresses(),
      log: { note: (entry) => log.push(entry) },
    }),
  );
  const tcp = createServer((connection: Socket) => {
    void serveDnsOverTcp(connection, (message) => resolver.answer(message, "tcp"));
  });
  await once(tcp.listen(0, "127.0.0.1"), "listening");
  scope.defer(() => once(tcp.close(), "close"));
  const address = tcp.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const udp = createSocket("udp4").bind(address.port, "127.0.0.1");
  await once(udp, "listening");
  scope.defer(() => once(udp.close(), "close"));
  udp.on("message", async (message, from) => {
    const reply = await resolver.answer(message, "udp");
    if (reply !== undefined) udp.send(reply, from.port, from.address);
  });
  const client = new Resolver({ timeout: 5_000, tries: 1 });
  client.setServers([`127.0.0.1:${address.port}`]);
  scope.defer(() => client.cancel());
  const owned = scope.move();
  const lookup = new RecordLookup(records, upstream);
  return { client, log, lookup, [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose]() };
}

function fault(answer: Promise<unknown>): Promise<unknown> {
  return answer.then(
    (value) => ({ value }),
    (error: NodeJS.ErrnoException) => error.code,
  );
}

describe.each([
  ["isolated", ISOLATED],
  ["allow", ALLOW],
  ["internet", INTERNET],
] as [string, NetworkPolicy][])("a client in a machine under the policy %s", (_kind, policy) => {
  it("finds the names of the network and of the configuration", async () => {
    await using machine = await startMachine(policy);
    const { client } = machine;
    expect(await client.resolve4("metadata.boxcar.internal")).toEqual(["169.254.169.254"]);
    expect(await client.reverse("169.254.169.254")).toEqual(["metadata.boxcar.internal"]);
    expect(await client.resolve4("mirror.internal")).toEqual(["10.1.2.3"]);
    expect(await client.resolveSrv("_http._tcp.mirror.internal")).toMatchObject([
      { name: "mirror.internal", port: 8_080 },
    ]);
    expect(await fault(client.resolve6("metadata.boxcar.internal"))).toBe("ENODATA");
  });

  it("is told what is refused, and so is the egress log", async () => {
    await using machine = await startMachine(policy);
    const code = policy === INTERNET ? "ESERVFAIL" : "EREFUSED";
    expect(await fault(machine.client.resolve4("elsewhere.com"))).toBe(code);
    const decision = policy === INTERNET ? "failed" : "refused";
    expect(machine.log).toMatchObject([{ kind: "dns", name: "elsewhere.com", decision, addresses: [] }]);
  });
});

describe("a client in a machine that may ask", () => {
  it("gets real addresses under internet, and only those that are public", async () => {
    await using machine = await startMachine(INTERNET);
    const { client, log } = machine;
    expect(await client.resolve4("www.example.org", { ttl: true })).toEqual([{ address: "93.184.216.34", ttl: 60 }]);
    expect(await client.resolve4("alias.example.org")).toEqual(["93.184.216.34"]);
    expect(await client.resolve4("mixed.example.org")).toEqual(["93.184.216.35"]);
    expect(await fault(client.resolve4("rebind.example.org"))).toBe("ENODATA");
    expect(await fault(client.resolve4("own.example.org"))).toBe("ENODATA");
    expect(await fault(client.resolve6("www.example.org"))).toBe("ENODATA");
    expect(await fault(client.resolve4("none.example.org"))).toBe("ENOTFOUND");
    expect(await fault(client.resolve6("none.example.org"))).toBe("ENOTFOUND");
    expect(log.slice(2, 5)).toMatchObject([
      { name: "mixed.example.org", decision: "allowed", addresses: ["93.184.216.35"], reason: "A NOERROR" },
      { name: "rebind.example.org", decision: "refused", addresses: [], reason: "A NOERROR: no public address" },
      { name: "own.example.org", decision: "refused", addresses: [] },
    ]);
  });

  it("gets an address per name under allow, and the real one is told to nobody but the worker", async () => {
    await using machine = await startMachine(ALLOW);
    const { client, lookup } = machine;
    expect(await client.resolve4("www.example.org")).toEqual(["198.18.0.1"]);
    expect(await client.resolve4("cdn.example.org")).toEqual(["198.18.0.2"]);
    expect(await client.resolve4("WWW.example.org")).toEqual(["198.18.0.1"]);
    expect(await client.reverse("198.18.0.2")).toEqual(["cdn.example.org"]);
    expect(await fault(client.resolve4("rebind.example.org"))).toBe("ENODATA");
    expect(await fault(client.resolve4("none.example.org"))).toBe("ENOTFOUND");
    expect(await client.resolveSrv("_http._tcp.example.org")).toMatchObject([{ name: "www.example.net", port: 8_080 }]);
    expect(await fault(client.resolve4("www.example.net"))).toBe("EREFUSED");
    expect(await lookup.lookup("www.example.org")).toEqual([0x5d_b8_d8_22]);
    expect(await lookup.lookup("mirror.internal")).toEqual([0x0a_01_02_03]);
    expect(await lookup.lookup("none.example.org")).toEqual([]);
    expect(await lookup.lookup("secret.internal")).toEqual([]);
    await expect(lookup.lookup("elsewhere.com")).rejects.toMatchObject({ code: "outside-failed" });
  });

  it("asks by TCP for an answer that is too long for a datagram", async () => {
    await using machine = await startMachine(INTERNET);
    expect((await machine.client.resolveTxt("long.example.org")).sort()).toEqual([...TEXTS].sort());
    expect(machine.log).toHaveLength(2);
  });

  it("is not told by time what another has asked: each asks for itself, once", async () => {
    const name = "www.example.net";
    const before = server.questions.filter((question) => question === `A ${name}`).length;
    for (let index = 0; index < 2; index++) {
      await using machine = await startMachine(INTERNET);
      const all = [machine.client.resolve4(name), machine.client.resolve4(name, { ttl: true })];
      await Promise.all(all);
      await machine.client.resolve4(name);
    }
    // Whatever dnsmasq has to say of these questions, it says before it answers the next.
    using upstream = new HostUpstream({ servers: [server.address] });
    await expect
      .poll(async () => {
        await upstream.resolve("last.example.net", "TXT");
        return server.questions.includes("TXT last.example.net");
      })
      .toBe(true);
    expect(server.questions.filter((question) => question === `A ${name}`).length - before).toBe(2);
  });
});
