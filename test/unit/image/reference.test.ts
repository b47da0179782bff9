import { describe, expect, it } from "vitest";
import { parseImageSpec } from "../../../src/image/source/spec.ts";
import { parseReference, requireTagName } from "../../../src/image/store/reference.ts";

describe("parseReference", () => {
  it("tells names, digests and what may be either", () => {
    expect(parseReference("debian-12.minimal")).toEqual({ name: "debian-12.minimal", digestPrefix: undefined });
    expect(parseReference("sha256:0123ab")).toEqual({ name: undefined, digestPrefix: "0123ab" });
    expect(parseReference("0123ab")).toEqual({ name: "0123ab", digestPrefix: "0123ab" });
    expect(parseReference("0123a")).toEqual({ name: "0123a", digestPrefix: undefined });
  });

  it.each(["", "../x", "a/b", ".hidden", "UPPER", "sha256:", "sha256:0123a", "sha256:xyz123", "a\0b", "x".repeat(129)])(
    "refuses %j",
    (text) => {
      expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: "image-reference-invalid" }));
    },
  );
});

describe("a whole digest", () => {
  it("stands for itself, and is no name that somebody could give another image", () => {
    const digest = "0123456789abcdef".repeat(4);
    expect(parseReference(digest)).toEqual({ name: undefined, digestPrefix: digest });
    expect(() => requireTagName(digest)).toThrow(expect.objectContaining({ code: "image-reference-invalid" }));
    expect(requireTagName(digest.slice(1))).toBe(digest.slice(1));
  });
});

describe("parseImageSpec", () => {
  it("tells names, paths and URLs", () => {
    const sha256 = "0".repeat(64);
    expect(parseImageSpec("debian")).toEqual({ kind: "name", name: "debian" });
    expect(parseImageSpec("/images/debian.tar.zst")).toEqual({ kind: "path", path: "/images/debian.tar.zst" });
    expect(parseImageSpec("https://x/y")).toEqual({ kind: "url", url: "https://x/y", digests: {} });
    expect(parseImageSpec({ url: "http://x/y", sha256 })).toEqual({
      kind: "url",
      url: "http://x/y",
      digests: { sha256 },
    });
    expect(parseImageSpec("file:///etc/shadow")).toMatchObject({ kind: "url" });
  });
});
