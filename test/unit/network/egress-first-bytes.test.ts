import { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FirstBytes, type Verdict } from "../../../src/network/egress/first-bytes.ts";
import { httpHosts } from "../../../src/network/egress/http-host.ts";
import { tlsServerNames } from "../../../src/network/egress/tls-server-name.ts";

/** What Node's TLS client sends first. */
async function clientHello(servername: string | undefined): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  const link = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, callback) {
      resolve(chunk);
      callback();
    },
  });
  const socket = connectTls({ socket: link, ...(servername === undefined ? {} : { servername }) });
  socket.on("error", () => {});
  const hello = await promise;
  socket.destroy();
  return hello;
}

/** The same handshake in records of so many bytes. */
function fragmented(hello: Buffer, size: number): Buffer {
  const handshake = hello.subarray(5);
  const records: Buffer[] = [];
  for (let at = 0; at < handshake.length; at += size) {
    const part = handshake.subarray(at, at + size);
    records.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]), part);
  }
  return Buffer.concat(records);
}

describe("a TLS server name", () => {
  it("is read from what a client sends", async () => {
    expect(tlsServerNames(await clientHello("Registry.npmjs.org"))).toEqual(["registry.npmjs.org"]);
    expect(tlsServerNames(await clientHello(undefined))).toEqual([]);
  });

  it("is read from a handshake in many records, and not before all has come", async () => {
    const hello = await clientHello("example.org");
    for (const size of [1, 7, 100]) {
      const bytes = fragmented(hello, size);
      expect(tlsServerNames(bytes)).toEqual(["example.org"]);
      for (let length = 1; length < bytes.length; length += 11) {
        expect(tlsServerNames(bytes.subarray(0, length))).toBeUndefined();
      }
    }
  });

  it("is read behind what a server may pass over: empty records, alerts", async () => {
    const hello = await clientHello("example.org");
    const empty = Buffer.from([22, 3, 1, 0, 0]);
    const alert = Buffer.from([21, 3, 1, 0, 2, 1, 100]);
    expect(tlsServerNames(Buffer.concat([alert, empty, hello]))).toEqual(["example.org"]);
    expect(feed([Buffer.concat([alert, empty]), hello])).toMatchObject({ kind: "refuse" });
  });

  it("is found in any hello that is whole, whatever is damaged, or there is none", async () => {
    const hello = await clientHello("example.org");
    fc.assert(
      fc.property(fc.nat(hello.length - 1), fc.nat(255), fc.nat(hello.length), (at, value, length) => {
        const damaged = Buffer.from(hello);
        damaged[at] = value;
        const names = tlsServerNames(damaged.subarray(0, length));
        expect(names === undefined || Array.isArray(names)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
    fc.assert(fc.property(fc.uint8Array(), (bytes) => void tlsServerNames(Buffer.from(bytes))));
  });
});

const hosts = (text: string, ended = false) => httpHosts(Buffer.from(text, "latin1"), ended);

describe("the host of a plain HTTP request", () => {
  it.each([
    ["GET / HTTP/1.1\r\nHost: Example.org\r\n\r\n", ["example.org"]],
    ["GET / HTTP/1.1\r\nhost:example.org:8080\r\n\r\nbody", ["example.org"]],
    ["GET / HTTP/1.0\n\nHost: example.org\n\n", []],
    ["\r\n\r\nGET / HTTP/1.1\nHost: example.org\n\n", ["example.org"]],
    ["GET http://a.example:81/x HTTP/1.1\r\nHost: b.example\r\n\r\n", ["a.example", "b.example"]],
    ["GET http://user@a.example?b HTTP/1.1\r\n\r\n", ["a.example"]],
    ["GET / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n", ["a.example", "b.example"]],
    ["GET / HTTP/1.1\r\nHost : b.example\r\n\r\n", ["b.example"]],
    ["GET / HTTP/1.1\r\nX: y\r\n Host: b.example\r\n\r\n", []],
    ["GET / HTTP/1.1\r\nHost:\r\n b.example\r\n\r\n", ["b.example"]],
    ["GET /a b HTTP/1.1\r\nHost: b.example\r\n\r\n", ["b.example"]],
    ["GET / HTTP/1.1\r\nHost:\r\n\r\n", []],
  ])("%j", (text, names) => {
    expect(hosts(text)).toEqual(names);
  });

  it.each([
    "SSH-2.0-OpenSSH_9.2\r\n",
    "EHLO mail.example.org\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "0032git-upload-pack /project.git\0host=example.org\0",
    "\0\0\0\x08\x04\xd2\x16\x2f",
    "a1 LOGIN me secret\r\n",
    `${"x".repeat(65)} /`,
  ])("is not looked for in %j", (text) => {
    expect(hosts(text)).toEqual([]);
  });

  it("is known only when the headers are whole", () => {
    const text = "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n";
    for (let length = 1; length < text.length; length++) expect(hosts(text.slice(0, length))).toBeUndefined();
  });

  it("is looked for in what has come when no more will", () => {
    expect(hosts("GET / HTTP/1.1\r\nHost: example.org", true)).toEqual(["example.org"]);
    expect(hosts("hello", true)).toEqual([]);
  });

  it("takes no longer than a moment, whatever is sent", () => {
    const fill = ["A ", " ", "\t", "A HTTP/", ":", "\n", "\n ", "Host:", "1:"];
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...fill), { minLength: 1, maxLength: 4 }),
        fc.string({ maxLength: 4 }),
        (parts, tail) => {
          const text = parts.join("").repeat(16_384).slice(0, 16_000) + tail;
          // What is not linear takes longer than a test may.
          expect(hosts(text, true)).toBeDefined();
        },
      ),
      { numRuns: 200 },
    );
  });
});

function feed(chunks: readonly (string | Buffer)[], allowed: readonly string[] = ["good.example"]): Verdict {
  const first = new FirstBytes((name) => allowed.includes(name));
  let verdict: Verdict = { kind: "hold" };
  for (const chunk of chunks) {
    verdict = first.push(Buffer.from(chunk));
    if (verdict.kind !== "hold") return verdict;
  }
  return verdict;
}

describe("the first bytes of a guest", () => {
  it("pass, all of them, if they name what is allowed or nothing", async () => {
    const request = "GET / HTTP/1.1\r\nHost: good.example.\r\n\r\n";
    expect(feed([...request])).toEqual({ kind: "pass", bytes: Buffer.from(request) });
    expect(feed(["SSH-2.0-x\r\n"])).toEqual({ kind: "pass", bytes: Buffer.from("SSH-2.0-x\r\n") });
    const hello = await clientHello("good.example");
    expect(feed([hello.subarray(0, 9), hello.subarray(9)])).toEqual({ kind: "pass", bytes: hello });
  });

  it("are refused if they name another", async () => {
    expect(feed(["GET / HTTP/1.1\r\nHost: evil.exa", "mple\r\n\r\n"])).toMatchObject({ kind: "refuse" });
    expect(feed([await clientHello("evil.example")])).toEqual({
      kind: "refuse",
      reason: 'it asked for "evil.example" there',
    });
  });

  it("are never held beyond 16 KiB, nor looked at for ever", () => {
    const start = "GET / HTTP/1.1\r\nX: ";
    expect(feed([start, "x".repeat(16_000)])).toEqual({ kind: "hold" });
    expect(feed([start, "x".repeat(16_384)])).toMatchObject({ kind: "refuse" });
    expect(feed([start, ..."x".repeat(300)])).toMatchObject({ kind: "refuse" });
    const large = `GET / HTTP/1.1\r\nHost: good.example\r\n\r\n${"body".repeat(10_000)}`;
    expect(feed([large])).toEqual({ kind: "pass", bytes: Buffer.from(large) });
  });

  it("may come in the segments of a short link, and not in so many pieces that looking at them is all we do", () => {
    const request = `GET / HTTP/1.1\r\nHost: good.example\r\n${"a:b\r\n".repeat(3_100)}\r\n`;
    const inPieces = (bytes: number) =>
      Array.from({ length: Math.ceil(request.length / bytes) }, (_, index) =>
        request.slice(index * bytes, (index + 1) * bytes),
      );
    expect(feed(inPieces(1_380))).toMatchObject({ kind: "pass" });
    expect(feed(inPieces(160))).toMatchObject({ kind: "refuse" });
  });

  it("pass as they came, in whatever pieces, or not at all", () => {
    const pieces = fc.constantFrom(
      "GET / HTTP/1.1\r\n",
      "Host: ",
      "good.example",
      "evil.example",
      "\r\n",
      "\r\n\r\n",
      "\x16\x03",
      "x",
    );
    fc.assert(
      fc.property(fc.array(pieces), fc.array(fc.integer({ min: 1, max: 20 })), (parts, sizes) => {
        const all = Buffer.from(parts.join(""), "latin1");
        const first = new FirstBytes((name) => name === "good.example");
        let verdict: Verdict = { kind: "hold" };
        let at = 0;
        while (at < all.length && verdict.kind === "hold") {
          const size = sizes.shift() ?? 7;
          verdict = first.push(all.subarray(at, at + size));
          at += size;
        }
        if (verdict.kind === "hold") verdict = first.end();
        if (verdict.kind === "pass") expect(verdict.bytes).toEqual(all.subarray(0, at));
        const whole = new FirstBytes((name) => name === "good.example").push(all);
        if (whole.kind === "refuse") expect(verdict.kind).toBe("refuse");
      }),
      { numRuns: 2_000 },
    );
  });

  it("that are all there is are judged as they are", () => {
    const first = new FirstBytes(() => false);
    expect(first.push(Buffer.from("hello"))).toEqual({ kind: "hold" });
    expect(first.end()).toEqual({ kind: "pass", bytes: Buffer.from("hello") });
    const other = new FirstBytes(() => false);
    expect(other.push(Buffer.from("GET / HTTP/1.1\r\nHost: evil.example"))).toEqual({ kind: "hold" });
    expect(other.end()).toMatchObject({ kind: "refuse" });
  });
});
