import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { decode, encode } from "dns-packet";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HostUpstream } from "../../../src/network/dns/host-upstream.ts";
import type { UpstreamAnswer } from "../../../src/network/dns/upstream.ts";
import { NameServer } from "../../fixtures/network/name-server.ts";

const LONG_TEXTS = Array.from({ length: 20 }, (_, index) => `${index}-${"x".repeat(200)}`);

let server: NameServer;
let upstream: HostUpstream;

beforeAll(async () => {
  server = await NameServer.start([
    "local=/example.org/",
    "local=/8.8.in-addr.arpa/",
    "host-record=www.example.org,93.184.216.34",
    "host-record=www.example.org,93.184.216.35",
    "host-record=six.example.org,2001:db8::1",
    "cname=alias.example.org,www.example.org",
    "srv-host=_http._tcp.example.org,www.example.org,8080,1,2",
    "mx-host=example.org,mail.example.org,10",
    "txt-record=text.example.org,one,two",
    "dns-rr=binary.example.org,16,03:00:ff:80",
    "dns-rr=example.org,2,02:6e:73:07:65:78:61:6d:70:6c:65:03:6f:72:67:00",
    `dns-rr=example.org,6,00:00${":00:00:00:07".repeat(5)}`,
    "dns-rr=odd.example.org,2,03:61:2e:62:00",
    "caa-record=example.org,0,issue,ca.example.org",
    "ptr-record=4.4.8.8.in-addr.arpa,dns.example.org",
    ...LONG_TEXTS.map((text) => `txt-record=long.example.org,${text}`),
  ]);
  upstream = new HostUpstream({ servers: [server.address] });
});

afterAll(async () => {
  upstream[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
});

function sorted(answer: UpstreamAnswer): unknown {
  if (answer.kind !== "records") return answer;
  return answer.records.map(({ data }) => data).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

describe("HostUpstream", () => {
  it("finds addresses, also behind an alias, with their time", async () => {
    const addresses = ["93.184.216.34", "93.184.216.35"];
    const found = await upstream.resolve("www.example.org", "A");
    expect(sorted(found)).toEqual(addresses);
    expect(found).toMatchObject({
      records: [
        { type: "A", ttlSeconds: 60 },
        { type: "A", ttlSeconds: 60 },
      ],
    });
    expect(sorted(await upstream.resolve("alias.example.org", "A"))).toEqual(addresses);
  });

  it.each([
    ["alias.example.org", "CNAME", "www.example.org"],
    ["example.org", "NS", "ns.example.org"],
    ["4.4.8.8.in-addr.arpa", "PTR", "dns.example.org"],
    ["example.org", "MX", { preference: 10, exchange: "mail.example.org" }],
    ["_http._tcp.example.org", "SRV", { target: "www.example.org", port: 8_080, priority: 1, weight: 2 }],
    ["text.example.org", "TXT", [Buffer.from("one"), Buffer.from("two")]],
    ["binary.example.org", "TXT", [Buffer.of(0, 255, 128)]],
    ["example.org", "CAA", { flags: 0, tag: "issue", value: "ca.example.org" }],
    ["example.org", "SOA", { mname: "", rname: "", serial: 7, refresh: 7, retry: 7, expire: 7, minimum: 7 }],
  ] as const)("finds of %s its %s", async (name, type, data) => {
    expect(await upstream.resolve(name, type)).toEqual({ kind: "records", records: [{ type, data, ttlSeconds: 60 }] });
  });

  it("asks again by TCP what does not fit a datagram", async () => {
    const found = await upstream.resolve("long.example.org", "TXT");
    expect(sorted(found)).toHaveLength(LONG_TEXTS.length);
  });

  it("leaves out a name that would mean another one when it is written", async () => {
    expect(await upstream.resolve("odd.example.org", "NS")).toEqual({ kind: "no-data" });
  });

  it("tells a name without such a record from one that does not exist", async () => {
    expect(await upstream.resolve("six.example.org", "A")).toEqual({ kind: "no-data" });
    expect(await upstream.resolve("www.example.org", "TXT")).toEqual({ kind: "no-data" });
    expect(await upstream.resolve("none.example.org", "A")).toEqual({ kind: "no-such-name" });
    expect(await upstream.resolve("none.example.org", "SRV")).toEqual({ kind: "no-such-name" });
  });

  it("fails when the server refuses, when there is none, and when it does not answer", async () => {
    expect(await upstream.resolve("elsewhere.net", "A")).toEqual({ kind: "failed", reason: "EREFUSED" });
    await using silent = await bind();
    using nobody = new HostUpstream({ servers: [silent.address] });
    expect(await nobody.resolve("www.example.org", "A")).toEqual({ kind: "failed", reason: "ETIMEOUT" });
    await silent[Symbol.asyncDispose]();
    expect(await nobody.resolve("www.example.org", "A")).toEqual({ kind: "failed", reason: "ECONNREFUSED" });
  });

  it("asks another server when one is not there", async () => {
    const gone = await bind();
    await gone[Symbol.asyncDispose]();
    using both = new HostUpstream({ servers: [gone.address, server.address] });
    expect(await both.resolve("www.example.org", "A")).toMatchObject({ kind: "records" });
  });

  it("fails what waits when it is disposed", async () => {
    await using silent = await bind();
    const waiting = new HostUpstream({ servers: [silent.address] });
    const asked = once(silent.socket, "message");
    const answer = waiting.resolve("www.example.org", "A");
    await asked;
    waiting[Symbol.dispose]();
    expect(await answer).toEqual({ kind: "failed", reason: "ECANCELLED" });
  });

  it("refuses a server that is no address", () => {
    expect(() => new HostUpstream({ servers: ["dns.example.org"] })).toThrow(TypeError);
  });

  it("survives whatever a server answers", async () => {
    const random = randomBytes(1);
    await using hostile = await bind((message) => {
      const { id, questions } = decode(message);
      const [question] = questions ?? [];
      if (question === undefined) return Buffer.alloc(0);
      const answers = Array.from({ length: 4 }, () => ({ ...sample(question.type), name: question.name, ttl: 1 }));
      const answer = encode({ type: "response", id: id ?? 0, flags: 0x0180, questions: [question], answers });
      // Behind the question, so that it is taken for an answer.
      const from = answer.length - answers.length * 12;
      for (let changes = random() % 6; changes > 0; changes--)
        answer[from + (random() % (answer.length - from))] = random();
      return random() % 8 === 0 ? answer.subarray(0, random() % answer.length) : answer;
    });
    using victim = new HostUpstream({ servers: [hostile.address] });
    const types = ["A", "NS", "CNAME", "SOA", "PTR", "MX", "TXT", "SRV", "CAA"] as const;
    const kinds = new Set<string>();
    // One after the other: c-ares gives up all that it waits for on a connection where nonsense has come.
    for (let index = 0; index < 900; index++) {
      kinds.add((await victim.resolve(`n${index}.org`, types[index % types.length] ?? "A")).kind);
    }
    expect(kinds).toContain("records");
    expect(kinds).toContain("failed");
  });
});

function sample(type: string) {
  switch (type) {
    case "MX":
      return { type, data: { preference: 1, exchange: "mail.example.org" } } as const;
    case "TXT":
      return { type, data: ["text"] };
    case "SRV":
      return { type, data: { target: "a.example.org", port: 1, priority: 2, weight: 3 } } as const;
    case "CAA":
      return { type, data: { flags: 0, tag: "issue", value: "ca" } } as const;
    case "SOA":
      return {
        type,
        data: { mname: "a", rname: "b", serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 1 },
      } as const;
    case "NS":
    case "CNAME":
    case "PTR":
      return { type, data: "b.example.org" } as const;
    default:
      return { type: "A", data: "93.184.216.34" } as const;
  }
}

/** The same every time (xorshift). */
function randomBytes(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 8) & 0xff;
  };
}

interface Bound extends AsyncDisposable {
  address: string;
  socket: Socket;
}

/** A server that answers by `reply`, or never. */
async function bind(reply?: (message: Buffer) => Buffer): Promise<Bound> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  if (reply !== undefined) {
    socket.on("message", (message, { port, address }) => socket.send(reply(message), port, address));
  }
  let closed: Promise<unknown> | undefined;
  const close = async () => {
    closed ??= once(socket.close(), "close");
    await closed;
  };
  return { address: `127.0.0.1:${socket.address().port}`, socket, [Symbol.asyncDispose]: close };
}
