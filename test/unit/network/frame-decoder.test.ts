import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameDecoder, MAX_FRAME_BYTES } from "../../../src/network/user/frame-decoder.ts";

function prefixed(frame: Uint8Array): Buffer {
  const prefix = Buffer.alloc(4);
  prefix.writeUInt32BE(frame.length);
  return Buffer.concat([prefix, frame]);
}

function decodeAll(chunks: readonly Buffer[]): Buffer[] {
  const decoder = new FrameDecoder();
  const frames: Buffer[] = [];
  for (const chunk of chunks) decoder.decode(chunk, (frame) => frames.push(Buffer.from(frame)));
  return frames;
}

describe("FrameDecoder", () => {
  it("finds the same frames however the stream is cut", () => {
    const frame = fc.uint8Array({ minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 20 }), fc.array(fc.integer({ min: 1, max: 200 })), (frames, cuts) => {
        const stream = Buffer.concat(frames.map(prefixed));
        const chunks: Buffer[] = [];
        let at = 0;
        for (const cut of cuts) {
          chunks.push(stream.subarray(at, at + cut));
          at += cut;
        }
        chunks.push(stream.subarray(at));
        expect(decodeAll(chunks)).toEqual(frames.map((bytes) => Buffer.from(bytes)));
      }),
    );
  });

  it("takes a stream byte by byte", () => {
    const stream = prefixed(Buffer.from("frame"));
    expect(decodeAll([...stream].map((byte) => Buffer.of(byte)))).toEqual([Buffer.from("frame")]);
  });

  it("takes the largest frame", () => {
    const frame = Buffer.alloc(MAX_FRAME_BYTES, 7);
    const stream = prefixed(frame);
    expect(decodeAll([stream.subarray(0, 1_000), stream.subarray(1_000)])).toEqual([frame]);
  });

  it.each([0, MAX_FRAME_BYTES + 1, 0xffff_ffff])("refuses a length of %d", (length) => {
    const prefix = Buffer.alloc(4);
    prefix.writeUInt32BE(length);
    const badFrame = expect.objectContaining({ code: "network-bad-frame", details: { length } });
    expect(() => decodeAll([prefix])).toThrow(badFrame);
    expect(() => decodeAll([prefix.subarray(0, 2), prefix.subarray(2)])).toThrow(badFrame);
  });
});
