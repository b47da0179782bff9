import { expect, it } from "vitest";
import { SessionTokens } from "../../../../src/guest/cloud-init/session-tokens.ts";

it("a session token is good until its time is over", () => {
  let now = 1_000_000;
  const tokens = new SessionTokens(() => now);
  const token = tokens.issue("60") as string;
  now += 59_999;
  expect(tokens.isGood(token)).toBe(true);
  now += 1;
  expect(tokens.isGood(token)).toBe(false);
});

it("a token of which one bit is another is not good", () => {
  const tokens = new SessionTokens();
  const bytes = Buffer.from(tokens.issue("60") as string, "base64url");
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const forged = Buffer.from(bytes);
    forged.writeUInt8(forged.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    expect(tokens.isGood(forged.toString("base64url"))).toBe(false);
  }
});
