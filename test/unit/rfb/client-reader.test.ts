import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isPassed } from "../../../src/rfb/client-filter.ts";
import { MAX_CUT_TEXT_BYTES, MAX_ENCODINGS, MAX_HEAD_BYTES } from "../../../src/rfb/client-messages.ts";
import { RfbClientReader } from "../../../src/rfb/client-reader.ts";
import { RfbProtocolError } from "../../../src/rfb/errors.ts";

const HANDSHAKE = Buffer.from("RFB 003.008\n\x01\x01", "latin1");

interface Message {
  kind: string;
  bytes: Buffer;
}

/** A message of fixed length. */
function fixed(kind: string, length: number, ...begin: number[]): fc.Arbitrary<Message> {
  const rest = length - begin.length;
  return fc
    .uint8Array({ minLength: rest, maxLength: rest })
    .map((bytes) => ({ kind, bytes: Buffer.from([...begin, ...bytes]) }));
}

function counted(kind: string, head: (count: number) => Buffer, each: number, max: number): fc.Arbitrary<Message> {
  return fc
    .nat({ max })
    .chain((count) => fc.uint8Array({ minLength: count * each, maxLength: count * each }))
    .map((body) => ({ kind, bytes: Buffer.concat([head(body.length / each), body]) }));
}

function cutText(length: number): Buffer {
  const head = Buffer.of(6, 0, 0, 0, 0, 0, 0, 0);
  head.writeInt32BE(length, 4);
  return head;
}

const message: fc.Arbitrary<Message> = fc.oneof(
  fixed("pixel-format", 20, 0),
  fixed("update-request", 10, 3),
  fixed("key", 8, 4),
  fixed("pointer", 6, 5),
  fixed("continuous-updates", 10, 150),
  fixed("extended-key", 12, 255, 0),
  fixed("audio", 4, 255, 1, 0, 1),
  fixed("audio", 10, 255, 1, 0, 2),
  counted("encodings", (count) => Buffer.of(2, 0, count >> 8, count & 0xff), 4, 300),
  counted("cut-text", cutText, 1, 500),
  counted("cut-text", (count) => cutText(-count), 1, 500),
  counted("fence", (count) => Buffer.of(248, 0, 0, 0, 0, 0, 0, 0, count), 1, 64),
  counted("desktop-size", (count) => Buffer.of(251, 0, 4, 0, 3, 0, count, 0), 16, 255),
);

/** The stream in chunks, with borders anywhere. */
function chunksOf(stream: Buffer, borders: readonly number[]): Buffer[] {
  const at = [0, ...borders.map((border) => border % stream.length).sort((a, b) => a - b), stream.length];
  return at.slice(1).map((end, index) => stream.subarray(at[index], end));
}

/** What is read, with the parts of one message joined. */
function readAll(chunks: readonly Buffer[]): Message[] {
  const reader = new RfbClientReader();
  return chunks.flatMap((chunk) => reader.push(Buffer.from(chunk)));
}

function read(...messages: Buffer[]): Message[] {
  return readAll([HANDSHAKE, ...messages]).slice(3);
}

describe("what a client of a display sends", () => {
  it("is taken apart alike, wherever the borders of its chunks are", () => {
    const borders = fc.array(fc.nat({ max: 10_000 }), { maxLength: 60 });
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 12 }), borders, (messages, where) => {
        const stream = Buffer.concat([HANDSHAKE, ...messages.map(({ bytes }) => bytes)]);
        const parts = readAll(chunksOf(stream, where));
        expect(Buffer.concat(parts.map(({ bytes }) => bytes))).toEqual(stream);
        let at = HANDSHAKE.length;
        const expected = messages.flatMap(({ kind, bytes }) => {
          const own = [kind, at] as const;
          at += bytes.length;
          return [own];
        });
        const begins = new Map(expected.map(([kind, begin]) => [begin, kind]));
        let begin = 0;
        let kind: string | undefined;
        for (const part of parts) {
          if (begin >= HANDSHAKE.length) {
            kind = begins.get(begin) ?? kind;
            expect(part.kind).toBe(kind);
            // Only text may come in parts.
            if (part.kind !== "cut-text") expect(begins.has(begin)).toBe(true);
          }
          begin += part.bytes.length;
        }
      }),
    );
  });

  it("brings no input to the machine of who only views, whatever is sent", () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 20 }), (messages) => {
        const passed = read(...messages.map(({ bytes }) => bytes)).filter(({ kind }) =>
          isPassed(kind as never, "view"),
        );
        const [types, expected] = [
          passed.map(({ bytes }) => bytes[0]),
          messages.map(({ bytes }) => bytes[0] as number),
        ];
        expect(types).toEqual(expected.filter((type) => type === 0 || type === 2 || type === 3));
      }),
    );
  });

  it("ends at whatever is unknown, and never otherwise than with its own error", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 20 }), fc.boolean(), (chunks, greeted) => {
        const reader = new RfbClientReader();
        if (greeted) reader.push(HANDSHAKE);
        try {
          for (const chunk of chunks) reader.push(Buffer.from(chunk));
        } catch (error) {
          expect(error).toBeInstanceOf(RfbProtocolError);
        }
      }),
    );
  });

  it("reaches the machine as input of who controls it", () => {
    const kinds = ["key", "pointer", "cut-text", "extended-key", "desktop-size", "encodings"] as const;
    expect(kinds.map((kind) => isPassed(kind, "control"))).toEqual(kinds.map(() => true));
    expect((["fence", "continuous-updates", "audio"] as const).map((kind) => isPassed(kind, "control"))).toEqual([
      ...[false, false, false],
    ]);
  });

  it.each([
    ["RFB 003.003\n\x01", ["version", "init"]],
    ["RFB 003.007\n\x01\x00", ["version", "security", "init"]],
    ["RFB 003.008\n\x01\x01", ["version", "security", "init"]],
  ])("begins with the handshake %j", (text, kinds) => {
    expect(readAll([Buffer.from(text, "latin1")]).map(({ kind }) => kind)).toEqual(kinds);
  });

  it.each([
    ["another version", "RFB 004.001\n"],
    ["no version", "GET / HTTP/1.1\r\n"],
    ["another kind of login", "RFB 003.008\n\x02"],
  ])("is refused with %s", (_what, text) => {
    expect(() => readAll([Buffer.from(text, "latin1")])).toThrow(RfbProtocolError);
  });

  it.each([
    ["of an unknown type", Buffer.of(7)],
    ["to switch the machine off", Buffer.of(250, 0, 1, 2)],
    ["of an unknown type of QEMU", Buffer.of(255, 2)],
    ["about sound, and unknown", Buffer.of(255, 1, 0, 3)],
    ["with too many encodings", Buffer.of(2, 0, ...[(MAX_ENCODINGS + 1) >> 8, (MAX_ENCODINGS + 1) & 0xff])],
    ["with too much text", cutText(MAX_CUT_TEXT_BYTES + 1)],
    ["with too much text, extended", cutText(-MAX_CUT_TEXT_BYTES - 1)],
    ["with the most text that can be said", cutText(-(2 ** 31))],
  ])("is refused with a message %s", (_what, bytes) => {
    expect(() => read(bytes)).toThrow(RfbProtocolError);
  });

  it("goes by without being kept", () => {
    const reader = new RfbClientReader();
    reader.push(HANDSHAKE);
    expect(reader.push(cutText(MAX_CUT_TEXT_BYTES))).toHaveLength(1);
    const block = Buffer.alloc(64 * 1_024);
    for (let sent = 0; sent < MAX_CUT_TEXT_BYTES; sent += block.length) {
      const [part] = reader.push(block);
      expect(part?.bytes.buffer).toBe(block.buffer);
    }
    const longest = Buffer.alloc(MAX_HEAD_BYTES);
    longest.set([2, 0, MAX_ENCODINGS >> 8, MAX_ENCODINGS & 0xff]);
    expect(reader.push(longest.subarray(0, -1))).toEqual([]);
    expect(reader.push(longest.subarray(-1))).toEqual([{ kind: "encodings", bytes: longest }]);
  });
});
