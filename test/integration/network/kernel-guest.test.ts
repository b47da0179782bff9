import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Duplex, duplexPair, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { formatIpv4Address } from "../../../src/network/addresses.ts";
import { ISOLATED } from "../../../src/network/policy/network-policy.ts";
import { FrameDecoder } from "../../../src/network/user/frame-decoder.ts";
import { UserNetwork } from "../../../src/network/user/user-network.ts";
import { MACHINE_MAC } from "../../fakes/fake-guest.ts";
import { FakeServices, INTERNET } from "../../fakes/fake-services.ts";
import { KernelGuest, whyNoKernelGuest } from "../../fakes/kernel-guest.ts";

const MIB = 1_024 * 1_024;
/** Of other cards, of virtio, and the most a tap has. */
const MTUS = [1_500, 15_360, 65_521];
const FAR = "93.184.216.34";
const BLOCK = Buffer.alloc(64 * 1_024, "0123456789abcdefghijk");

/** `count` bytes no two blocks of which are equal. */
function* blocks(count: number): Generator<Buffer> {
  for (let sent = 0; sent < count; sent += BLOCK.length) {
    const block = Buffer.from(BLOCK.subarray(0, Math.min(BLOCK.length, count - sent)));
    block.writeUInt32BE(sent / BLOCK.length);
    yield block;
  }
}

function sha256Of(count: number): string {
  const hash = createHash("sha256");
  for (const block of blocks(count)) hash.update(block);
  return hash.digest("hex");
}

/** Requests that wait for each other. */
const waiting: ServerResponse[] = [];

/** `GET /bytes/N`; `GET /together/N` is answered when N ask for it; `PUT` answers with the digest; anything else says hello. */
async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, kind, count] = (request.url ?? "").split("/");
  if (request.method === "PUT") {
    const hash = createHash("sha256");
    let bytes = 0;
    for await (const chunk of request) {
      hash.update(chunk);
      bytes += chunk.length;
    }
    response.end(JSON.stringify({ bytes, sha256: hash.digest("hex") }));
  } else if (kind === "bytes") {
    await pipeline(Readable.from(blocks(Number(count))), response);
  } else if (kind === "together") {
    waiting.push(response);
    if (waiting.length === Number(count)) for (const each of waiting.splice(0)) each.end("all here");
  } else {
    response.end("hello");
  }
}

/** Drops one frame of every `period` in each direction. */
function lossy(link: Duplex, period: number): Duplex {
  const [networkSide, own] = duplexPair();
  const forward = (from: Duplex, to: Duplex, offset: number) => {
    const decoder = new FrameDecoder();
    let count = offset;
    from.on("data", (chunk: Buffer) => {
      decoder.decode(chunk, (frame) => {
        count += 1;
        if (count % period === 0) return;
        const prefix = Buffer.alloc(4);
        prefix.writeUInt32BE(frame.length);
        to.write(Buffer.concat([prefix, frame]));
      });
    });
    from.on("error", () => {});
    from.on("close", () => to.destroy());
  };
  forward(link, own, 0);
  forward(own, link, Math.floor(period / 2));
  return networkSide;
}

describe.skipIf(whyNoKernelGuest() !== undefined).each(MTUS)("a real TCP stack on a link of %d bytes", (mtu) => {
  let services: FakeServices;
  let network: UserNetwork;
  let guest: KernelGuest;

  beforeAll(async () => {
    services = new FakeServices({ handler: (...args) => void handle(...args) });
    network = await UserNetwork.open({ mac: MACHINE_MAC, mtu, services });
    guest = await KernelGuest.start(mtu);
    network.connect(guest.link);
  });

  afterAll(async () => {
    await network?.[Symbol.asyncDispose]();
    await services?.[Symbol.asyncDispose]();
    await guest?.[Symbol.asyncDispose]();
  });

  it("downloads 200 MiB unchanged", async () => {
    const bytes = 200 * MIB;
    expect(await guest.client("get", `/bytes/${bytes}`)).toEqual([{ bytes, sha256: sha256Of(bytes) }]);
  });

  it("uploads 200 MiB unchanged", async () => {
    const bytes = 200 * MIB;
    const result = (await guest.client("put", "/", String(bytes))) as { sha256: string };
    expect(result).toEqual({ sha256: result.sha256, answer: { bytes, sha256: result.sha256 } });
  });

  it("serves eight downloads at once", async () => {
    const bytes = 8 * MIB;
    const answer = (await guest.client("get", ...Array(8).fill(`/bytes/${bytes}`))) as unknown[];
    expect(answer).toEqual(Array(8).fill({ bytes, sha256: sha256Of(bytes) }));
  });

  it("lets eight requests wait for each other", async () => {
    const answer = (await guest.client("get", ...Array(8).fill("/together/8"))) as unknown[];
    expect(answer).toEqual(Array(8).fill({ bytes: 8, sha256: expect.any(String) }));
  });

  it("serves many requests on one connection", async () => {
    const before = (await network.stats()).connectionsOpened;
    expect(await guest.client("keep-alive", "/", "200")).toEqual({ connections: 1 });
    expect((await network.stats()).connectionsOpened).toBe(before + 1);
  });

  it("answers a client that has ended its side", async () => {
    expect(await guest.client("half-close", "/")).toEqual({
      answer: expect.stringMatching(/^HTTP\/1.1 200 .*hello$/s),
    });
  });

  it("resolves the metadata name and refuses others", async () => {
    expect(await guest.client("resolve", "metadata.boxcar.internal")).toEqual({ addresses: ["169.254.169.254"] });
    expect(await guest.client("resolve", "example.org")).toEqual({ code: "EREFUSED" });
  });

  describe("to the outside", () => {
    beforeAll(() => services.setPolicy(INTERNET));
    afterAll(() => services.setPolicy(ISOLATED));

    it("exchanges 50 MiB in both directions at once, each side ending on its own", async () => {
      const bytes = 50 * MIB;
      expect(await guest.outsideClient("exchange", FAR, "443", String(bytes))).toEqual({ bytes, same: true });
    });

    it("hears from a place that ends its side first, and answers it", async () => {
      const { connect } = services;
      const answered = Promise.withResolvers<string>();
      services.connect = (socket, { address, port }) => {
        socket.end(`you came to ${formatIpv4Address(address)}:${port}`);
        socket.toArray().then((chunks) => answered.resolve(Buffer.concat(chunks).toString()), answered.reject);
      };
      expect(await guest.outsideClient("hear", "1.1.1.1", "8080")).toEqual({ heard: "you came to 1.1.1.1:8080" });
      expect(await answered.promise).toBe("thanks");
      services.connect = connect;
    });

    it("is told when there is nobody: at once if it may not, by a reset if nobody answers", async () => {
      const { connect, admit } = services;
      services.connect = (socket) => socket.destroy();
      services.admit = ({ port }) => port !== 25;
      expect(await guest.client("connect", FAR, "25")).toEqual({ connected: false, code: "ECONNREFUSED" });
      expect(await guest.outsideClient("hear", FAR, "443")).toEqual({ code: "ECONNRESET" });
      expect(await guest.outsideClient("datagrams", FAR, "25", "10", "1")).toEqual({ code: "ECONNREFUSED" });
      Object.assign(services, { connect, admit });
    });

    it("exchanges datagrams, also such as take several packets back", async () => {
      const { answerDatagram } = services;
      const ask = (bytes: number) => guest.outsideClient("datagrams", FAR, "443", String(bytes), "20");
      expect(await ask(1_400)).toEqual({ answers: Array(20).fill(1_400) });
      services.answerDatagram = (payload, reply) => reply(Buffer.concat(Array<Buffer>(40).fill(payload)));
      expect(await ask(1_200)).toEqual({ answers: Array(20).fill(48_000) });
      services.answerDatagram = answerDatagram;
    });

    it("resolves names with whatever server, over TCP if the answer is too long for a datagram", async () => {
      const { resolve } = services;
      const answer = { addresses: ["169.254.169.254"] };
      expect(await guest.outsideClient("resolve", "9.9.9.9", "metadata.boxcar.internal")).toEqual(answer);
      services.queries.length = 0;
      services.resolve = async (message, transport) => {
        const reply = await resolve(message, transport);
        if (transport === "udp") reply?.writeUInt16BE(reply.readUInt16BE(2) | 0x0200, 2);
        return reply;
      };
      expect(await guest.outsideClient("resolve", "9.9.9.9", "metadata.boxcar.internal")).toEqual(answer);
      expect(services.queries).toEqual(["udp", "tcp"]);
      services.resolve = resolve;
    });
  });

  it("lets the guest reach nothing of the host, nor anything else", async () => {
    const server = createServer((_request, response) => response.end("must not be reached"));
    await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const refused = { connected: false, code: "ECONNREFUSED" };
      for (const address of ["10.0.2.2", "169.254.169.254", "10.0.2.16", "192.168.0.1", "93.184.216.34"]) {
        const expected = address === "10.0.2.16" ? { connected: false, code: "EHOSTUNREACH" } : refused;
        expect(await guest.client("connect", address, String(port)), address).toEqual(expected);
      }
      expect(await guest.client("connect", "127.0.0.1", String(port))).toEqual(refused);
    } finally {
      server.close();
    }
  });

  it("leaves no connection behind", async () => {
    while ((await network.stats()).connections > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(await network.stats()).toMatchObject({ waitingBytes: 0 });
  });
});

describe.skipIf(whyNoKernelGuest() !== undefined).each(MTUS)(
  "a link of %d bytes that loses frames all the same",
  (mtu) => {
    it("carries everything, both ways", async () => {
      await using services = new FakeServices({ handler: (...args) => void handle(...args) });
      await using network = await UserNetwork.open({ mac: MACHINE_MAC, mtu, services });
      await using guest = await KernelGuest.start(mtu);
      network.connect(lossy(guest.link, 211));
      const bytes = 8 * MIB;
      expect(await guest.client("get", `/bytes/${bytes}`)).toEqual([{ bytes, sha256: sha256Of(bytes) }]);
      const uploaded = 256 * 1_024;
      const result = (await guest.client("put", "/", String(uploaded))) as { sha256: string };
      expect(result).toEqual({ sha256: result.sha256, answer: { bytes: uploaded, sha256: result.sha256 } });
    });
  },
);
