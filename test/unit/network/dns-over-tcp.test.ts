import { type Duplex, duplexPair } from "node:stream";
import { describe, expect, it } from "vitest";
import { type DnsOverTcpLimits, type DnsResponder, serveDnsOverTcp } from "../../../src/network/dns/dns-over-tcp.ts";

function framed(...texts: string[]): Buffer {
  return Buffer.concat(texts.flatMap((text) => [Buffer.of(text.length >> 8, text.length & 0xff), Buffer.from(text)]));
}

/** Of a client that reads until the end. */
async function allOf(client: Duplex): Promise<string> {
  return Buffer.concat(await client.toArray()).toString("latin1");
}

async function upperCase(message: Buffer): Promise<Buffer> {
  return Buffer.from(message.toString("latin1").toUpperCase(), "latin1");
}

function serve(answer: DnsResponder = upperCase, limits: DnsOverTcpLimits = {}) {
  const [client, server] = duplexPair();
  client.on("error", () => {});
  const served = serveDnsOverTcp(server, answer, limits);
  return { client, server, served };
}

describe("DNS over TCP", () => {
  it("answers several messages in one piece, in order, and then ends", async () => {
    const { client, served } = serve();
    client.end(framed("one", "two", "three"));
    expect(await allOf(client)).toBe(framed("ONE", "TWO", "THREE").toString("latin1"));
    await served;
  });

  it("answers a message that comes byte by byte", async () => {
    const { client, served } = serve();
    for (const byte of framed("split", "again")) client.write(Buffer.of(byte));
    client.end();
    expect(await allOf(client)).toBe(framed("SPLIT", "AGAIN").toString("latin1"));
    await served;
  });

  it("leaves out what gets no reply", async () => {
    const { client } = serve(async (message) => (message.length === 3 ? undefined : message));
    client.end(framed("a", "bcd", "ef"));
    expect(await allOf(client)).toBe(framed("a", "ef").toString("latin1"));
  });

  it("answers one message after the other", async () => {
    let underWay = 0;
    let most = 0;
    const { client } = serve(async (message) => {
      most = Math.max(most, ++underWay);
      await new Promise((resolve) => setImmediate(resolve));
      underWay -= 1;
      return message;
    });
    client.end(framed("a", "b", "c"));
    await allOf(client);
    expect(most).toBe(1);
  });

  it("ends at a message that is too large, after the answers to those before", async () => {
    const asked: string[] = [];
    const { client, server, served } = serve(
      async (message) => {
        asked.push(message.toString());
        return message;
      },
      { maxMessageBytes: 8 },
    );
    client.write(Buffer.concat([framed("fine"), Buffer.from("ffff", "hex"), Buffer.alloc(1_000)]));
    expect(await allOf(client)).toBe(framed("fine").toString("latin1"));
    await served;
    expect(asked).toEqual(["fine"]);
    expect(server.destroyed).toBe(true);
  });

  it("ends after so many messages", async () => {
    const { client, server, served } = serve(upperCase, { maxMessages: 2 });
    client.write(framed("a", "b", "c"));
    expect(await allOf(client)).toBe(framed("A", "B").toString("latin1"));
    await served;
    expect(server.destroyed).toBe(true);
  });

  it.each([
    ["says nothing", ""],
    ["says half a length", "00"],
    ["never ends its message", "000a6162"],
  ])("disconnects a client that %s", async (_what, hex) => {
    const { client, server, served } = serve(upperCase, { idleMs: 20 });
    client.write(Buffer.from(hex, "hex"));
    await served;
    expect(server.destroyed).toBe(true);
  });

  it("disconnects a client that drips", async () => {
    const { client, served } = serve(upperCase, { idleMs: 50 });
    client.write(Buffer.of(0x0f, 0xff));
    const drip = setInterval(() => client.write(Buffer.of(0)), 5);
    await served;
    clearInterval(drip);
  });

  it("disconnects a client that does not take its answers, and has not asked for many more of them", async () => {
    let asked = 0;
    const { client, served } = serve(
      async () => {
        asked += 1;
        return Buffer.alloc(60_000);
      },
      { idleMs: 50 },
    );
    client.write(framed(...Array<string>(100).fill("?")));
    await served;
    expect(asked).toBeLessThan(5);
  });

  it("waits for an answer longer than for a client", async () => {
    const { client } = serve(
      async (message) => {
        await new Promise((resolve) => setTimeout(resolve, 60));
        return message;
      },
      { idleMs: 20 },
    );
    client.end(framed("patience"));
    expect(await allOf(client)).toBe(framed("patience").toString("latin1"));
  });

  it("is done with a client that leaves while it is answered", async () => {
    const answered = Promise.withResolvers<Buffer>();
    const asked = Promise.withResolvers<void>();
    const { client, server, served } = serve(() => {
      asked.resolve();
      return answered.promise;
    });
    client.write(framed("?"));
    await asked.promise;
    server.destroy();
    answered.resolve(Buffer.from("late"));
    await served;
  });
});
