import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PLACES } from "../../fixtures/network/egress-places.ts";
import { EgressHost, whyNoEgressHost } from "./egress-host.ts";

const why = whyNoEgressHost();

describe.skipIf(why !== undefined)(`the way outside${why === undefined ? "" : ` (${why})`}`, () => {
  let host: EgressHost;

  beforeAll(async () => {
    host = await EgressHost.open();
  });

  afterAll(() => host[Symbol.asyncDispose]());

  it("leads where the policy says, and never to what is not public or the host's own", async () => {
    const nowhere = {
      host: "refused, reset",
      world: "refused, reset",
      allowed: "refused, reset",
      other: "refused, reset",
      private: "refused, reset",
      cloud: "refused, reset",
      loopback: "refused, reset",
    };
    const there = "admitted, hello";
    expect(await host.run("policies")).toEqual({
      isolated: nowhere,
      internet: { ...nowhere, world: there, allowed: there, other: there },
      allow: { ...nowhere, allowed: there },
      otherPort: nowhere,
    });
  });

  it("connects to a name where that is at the moment, if it is public there, whatever else it may be", async () => {
    expect(await host.run("names")).toEqual({
      results: {
        "public.example": "hello",
        "loopback.example": "reset",
        "host.example": "reset",
        "cloud.example": "reset",
        "private.example": "reset",
        "mixed.example": "hello",
        "nowhere.example": "reset",
        "public.elsewhere": "reset",
        "public.example, rebound": "reset",
        "public.example, other port": "reset",
        "no name": "reset",
      },
      connected: [[PLACES.allowed], [PLACES.allowed]],
      reasons: [
        "loopback.example: refused: its address is not public",
        "host.example: refused: its address is the host's own",
        "cloud.example: refused: its address is not public",
        "private.example: refused: its address is not public",
        "nowhere.example: failed: its name has no address",
        "public.elsewhere: refused: policy",
        "public.example: refused: its address is not public",
        "public.example: refused: policy",
        "undefined: refused: not public",
      ],
    });
  });

  it("tries the addresses of a name one after the other", async () => {
    const name = "two.example";
    expect(await host.run("second")).toEqual({
      reply: "hello",
      none: "reset",
      entries: [
        { ...connection(2_020), name, addresses: [PLACES.other], bytesIn: 5, bytesOut: 5 },
        {
          ...connection(2_020),
          name,
          addresses: [PLACES.allowed, PLACES.world],
          decision: "failed",
          reason: "nobody listens there",
        },
      ],
    });
  });

  it("is told in the log", async () => {
    const entries = (await host.run("log")) as object[];
    expect(entries).toHaveLength(4);
    expect(entries).toEqual(
      expect.arrayContaining([
        { ...connection(7), name: "name.example", bytesIn: 5, bytesOut: 5 },
        { ...connection(8), addresses: [PLACES.other], bytesIn: 5, bytesOut: 4 },
        { ...connection(7), addresses: [PLACES.other], decision: "refused", reason: "policy" },
        {
          kind: "datagram",
          decision: "refused",
          addresses: [PLACES.private],
          port: 53,
          reason: "not public",
          count: 7,
        },
      ]),
    );
  });

  it("ends in one direction and goes on in the other", async () => {
    expect(await host.run("halfClose")).toBe("got 3145728");
  });

  it("lets the server speak first", async () => {
    expect(await host.run("serverFirst")).toEqual({ banner: "SSH-2.0-server\r\n", answer: "SSH-2.0-guest\r\n" });
  });

  it("passes on what breaks a connection, to either side", async () => {
    expect(await host.run("serverResets")).toEqual({
      reply: "reset",
      entries: [{ ...connection(9), reason: "the server broke it off", bytesIn: 0, bytesOut: 1 }],
    });
    expect(await host.run("guestResets")).toEqual({
      resets: 1,
      entries: [{ ...connection(7), reason: "the guest broke it off", bytesIn: 1, bytesOut: 1 }],
    });
  });

  it("resets sockets of the kernel so that the guest sees it", async () => {
    expect(await host.run("sockets")).toEqual(["hello", "ECONNRESET", "ECONNRESET"]);
  });

  it("resets what nobody answers", async () => {
    expect(await host.run("refusedPort")).toEqual({
      reply: "reset",
      entries: [{ ...connection(2), decision: "failed", reason: "nobody listens there" }],
    });
  });

  it("ends connections that are silent, or use up the quota", async () => {
    expect(await host.run("idle")).toEqual({
      reply: "reset",
      entries: [{ ...connection(7), reason: "nothing was sent for too long", bytesIn: 0, bytesOut: 0 }],
    });
    expect(await host.run("quota")).toEqual({
      code: "ECONNRESET",
      within: true,
      later: false,
      entries: expect.arrayContaining([
        {
          ...connection(7),
          decision: "refused",
          reason: "the machine has used up its quota, network.limits.outsideMiB",
        },
        expect.objectContaining({
          port: 19,
          decision: "refused",
          reason: "the machine has used up its quota, network.limits.outsideMiB",
        }),
      ]),
    });
  });

  it("takes no more from a server than the guest takes", async () => {
    expect(await host.run("backPressure")).toEqual({ bounded: true, goesOn: true });
  });

  it("holds no more connections than it may, and has room again when they have ended", async () => {
    const greeted = 128;
    expect(await host.run("crowd")).toEqual({
      greeted,
      mostOpen: greeted,
      refusedNow: true,
      again: true,
      modest: true,
    });
  });

  it("resets a connection to a name on which another name is asked for, and sends nothing of it", async () => {
    expect(await host.run("fronting")).toEqual({
      plain: { itself: "heard", alsoAllowed: "heard", other: "reset", absolute: "reset" },
      secure: { itself: "heard", other: "reset", otherPort: "reset" },
      leaked: [false, false, false],
      heard: [true, true, true],
      refused: [...Array(3).fill('it asked for "evil.example" there'), 'it asked for "also.example" there'],
    });
  });

  it("carries datagrams, within the policy, and only replies of who was asked", async () => {
    const datagrams = { ...connection(7), kind: "datagram" };
    expect(await host.run("datagrams")).toEqual({
      first: "one",
      second: "two",
      named: "three",
      again: "four",
      strayed: false,
      flows: 4,
      admitted: [false, true],
      entries: [
        { ...datagrams, decision: "refused", reason: "too many flows" },
        { ...datagrams, addresses: [PLACES.other], decision: "refused", reason: "policy" },
        { ...datagrams, bytesIn: 10, bytesOut: 10 },
        { ...datagrams, port: 70, bytesIn: 0, bytesOut: 14 },
        { ...datagrams, name: "udp.example", addresses: [PLACES.other], bytesIn: 5, bytesOut: 5 },
        { ...datagrams, port: 2, bytesIn: 0, bytesOut: 9 },
      ],
    });
    expect(await host.run("datagramsEnd")).toEqual({
      afterSilence: 0,
      entries: [
        { ...datagrams, bytesIn: 100, bytesOut: 100 },
        {
          ...datagrams,
          decision: "refused",
          reason: "the machine has used up its quota, network.limits.outsideMiB",
          bytesIn: 0,
          bytesOut: 0,
        },
        { ...datagrams, addresses: [PLACES.loopback], decision: "refused", reason: "not public" },
      ],
    });
  });

  it("goes on deciding where no file can be opened, and keeps nothing of datagrams for which there is no socket", async () => {
    const entry = { ...connection(7), kind: "datagram", decision: "failed", reason: "no socket for it" };
    const own = { ...connection(7), addresses: [PLACES.host], decision: "refused", reason: "the host's own" };
    expect(await host.run("noFiles")).toEqual({
      admitted: [true, true, false],
      left: 0,
      entries: [own, ...Array(10).fill(entry)],
    });
  });

  it("is open to the services of the machine, and tells them why not", async () => {
    expect(await host.run("open")).toEqual({
      reply: "hello",
      faults: [...Array(3).fill("refused: policy"), "refused: its address is not public", "failed"],
      kinds: Array(6).fill("proxy"),
    });
  });

  it("is closed with the network, and everything on it", async () => {
    const waiting = { ...connection(7), addresses: ["203.0.114.77"] };
    expect(await host.run("dispose")).toEqual({
      ends: ["reset", "reset"],
      entries: [
        { ...waiting, decision: "failed", reason: "it is not wanted any more" },
        { ...connection(22), reason: "the network has ended", bytesIn: 16, bytesOut: 0 },
      ],
      open: 0,
      admits: false,
    });
  });

  it("is one of the services of a machine, which all follow one policy", async () => {
    expect(await host.run("services")).toEqual({
      isolated: ["status REFUSED", "192.0.2.7"],
      http: ["HTTP/1.1 503 Service Unavailable", "HTTP/1.1 200 OK"],
      allowed: ["198.18.0.1", "status NOERROR", "status REFUSED", "192.0.2.7"],
      reply: "hello",
      internet: [PLACES.allowed, "status NOERROR"],
      told: ["allow", "internet"],
      counts: { asked: 9, allowed: 5, refused: 4, failed: 0, leftOut: 0 },
      outsideBytes: 10,
      policy: { kind: "internet" },
      kinds: 7,
      late: "reset",
    });
  });
});

/** An entry of the log, of a server of the world. */
function connection(port: number) {
  return { kind: "connect", decision: "allowed", addresses: [PLACES.allowed], port };
}
