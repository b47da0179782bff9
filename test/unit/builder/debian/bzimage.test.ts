import { describe, expect, it } from "vitest";
import { payloadOf } from "../../../../src/builder/debian/bzimage.ts";

const SETUP_SECTORS = 3;

function bzImage(payload: string): Buffer {
  const image = Buffer.alloc((SETUP_SECTORS + 1) * 512 + 16 + payload.length + 4);
  image[0x1f1] = SETUP_SECTORS;
  image.write("HdrS", 0x202, "latin1");
  image.writeUInt32LE(16, 0x248);
  image.writeUInt32LE(payload.length + 4, 0x24c);
  image.write(payload, (SETUP_SECTORS + 1) * 512 + 16);
  return image;
}

describe("payloadOf", () => {
  it("is the compressed kernel without the size behind it", () => {
    expect(payloadOf(bzImage("compressed")).toString()).toBe("compressed");
  });

  it("refuses what is not a bzImage", () => {
    expect(() => payloadOf(Buffer.alloc(4_096))).toThrow("not a bzImage");
    expect(() => payloadOf(Buffer.alloc(10))).toThrow("not a bzImage");
  });
});
