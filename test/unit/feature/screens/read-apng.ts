/** A reader of animated PNGs that takes nothing from the writer: every chunk is checked, every frame is decoded. */
import { crc32 } from "node:zlib";
import { PNG } from "pngjs";

export interface AnimationFrame {
  delayMs: number;
  dispose: number;
  /** The size is that of the frame. */
  image: PNG;
}

export interface Animation {
  /** What those see who know no animation. */
  still: PNG;
  frames: AnimationFrame[];
}

type Chunk = readonly [type: string, data: Buffer];

/** @throws {Error} What breaks the specification. */
export function readApng(file: Buffer): Animation {
  const chunks = [...chunksOf(file)];
  const [[, header] = ["", Buffer.alloc(0)], [second, control] = ["", Buffer.alloc(0)]] = chunks;
  if (second !== "acTL") throw new Error("no animation");
  const frames: AnimationFrame[] = [];
  let sequence = 0;
  let current: { control: Buffer; pixels: Buffer[] } | undefined;
  const finish = () => {
    if (current !== undefined) frames.push(frameOf(header, current.control, current.pixels));
  };
  for (const [type, data] of chunks.slice(2)) {
    if (type === "IDAT") current?.pixels.push(data);
    if (type !== "fcTL" && type !== "fdAT") continue;
    if (data.readUInt32BE(0) !== sequence++) throw new Error(`${type} has the sequence number ${data.readUInt32BE(0)}`);
    if (type === "fdAT") current?.pixels.push(data.subarray(4));
    else {
      finish();
      current = { control: data, pixels: [] };
    }
  }
  finish();
  if (frames.length !== control.readUInt32BE(0)) throw new Error("not as many frames as it says");
  return { still: PNG.sync.read(file), frames };
}

function frameOf(header: Buffer, control: Buffer, pixels: readonly Buffer[]): AnimationFrame {
  const [width, height, x, y] = [4, 8, 12, 16].map((offset) => control.readUInt32BE(offset)) as [
    number,
    number,
    number,
    number,
  ];
  if (x + width > header.readUInt32BE(0) || y + height > header.readUInt32BE(4)) {
    throw new Error("a frame leaves the canvas");
  }
  const alone = [
    file.signature,
    file.chunk("IHDR", Buffer.concat([control.subarray(4, 12), header.subarray(8)])),
    file.chunk("IDAT", Buffer.concat(pixels)),
    file.chunk("IEND", Buffer.alloc(0)),
  ];
  return {
    delayMs: (1_000 * control.readUInt16BE(20)) / control.readUInt16BE(22),
    dispose: control.readUInt8(24),
    image: PNG.sync.read(Buffer.concat(alone)),
  };
}

const file = {
  signature: Buffer.from("89504e470d0a1a0a", "hex"),
  chunk(type: string, data: Buffer): Buffer {
    const bytes = Buffer.alloc(12 + data.length);
    bytes.writeUInt32BE(data.length, 0);
    bytes.write(type, 4, "latin1");
    data.copy(bytes, 8);
    bytes.writeUInt32BE(crc32(bytes.subarray(4, -4)), bytes.length - 4);
    return bytes;
  },
};

function* chunksOf(bytes: Buffer): Generator<Chunk> {
  if (!bytes.subarray(0, 8).equals(file.signature)) throw new Error("no PNG");
  let type = "";
  for (let at = 8; at < bytes.length; ) {
    const end = at + 8 + bytes.readUInt32BE(at);
    type = bytes.toString("latin1", at + 4, at + 8);
    if (bytes.readUInt32BE(end) !== crc32(bytes.subarray(at + 4, end))) throw new Error(`${type} is broken`);
    yield [type, bytes.subarray(at + 8, end)];
    at = end + 4;
  }
  if (type !== "IEND") throw new Error("no end");
}
