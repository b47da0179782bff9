import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isListedHost, judgeRedirect } from "../../../src/network/proxy/location.ts";
import { parseProxyBase } from "../../../src/network/proxy/proxy-base.ts";
import { proxyNameFault } from "../../../src/network/proxy/proxy-name.ts";
import { splitProxyPath, upstreamPath } from "../../../src/network/proxy/upstream-path.ts";

describe("names of proxies", () => {
  it.each(["npm", "a", "debian-12", "0x", `${"a".repeat(63)}`])("takes %s", (name) => {
    expect(proxyNameFault(name)).toBeUndefined();
  });

  it.each(["engine", "latest", "openstack", "meta-data", "user-data", "computemetadata"])(
    "takes no path of a service: %s",
    (name) => {
      expect(proxyNameFault(name)).toMatch(/metadata service/);
    },
  );

  it.each(["", "-a", "a-", "A", "a.b", "a/b", "a_b", "ä", "a".repeat(64)])("takes no other text: %j", (name) => {
    expect(proxyNameFault(name)).toMatch(/small letters/);
  });
});

describe("base of a proxy", () => {
  it("ends in a slash", () => {
    expect(parseProxyBase("npm", "https://x.example/a/b").href).toBe("https://x.example/a/b/");
    expect(parseProxyBase("npm", "https://x.example").href).toBe("https://x.example/");
  });

  it.each(["ftp://x.example/", "x.example", "https://u:p@x.example/", "https://x.example/?a", "https://x.example/#a"])(
    "is not %s",
    (url) => expect(() => parseProxyBase("npm", url)).toThrow(expect.objectContaining({ code: "proxy-invalid" })),
  );
});

describe("path of a request to a proxy", () => {
  it.each([
    ["/npm/a/b?c=/d", { name: "npm", rest: "a/b?c=/d" }],
    ["/npm", { name: "npm", rest: "" }],
    ["/npm/", { name: "npm", rest: "" }],
    ["/npm?x", { name: "npm", rest: "?x" }],
    ["/npm//a", { name: "npm", rest: "/a" }],
    ["/", undefined],
    ["//npm/x", undefined],
    ["/NPM/x", undefined],
    ["*", undefined],
    ["http://169.254.169.254/npm/x", undefined],
  ])("%s", (target, expected) => expect(splitProxyPath(target)).toEqual(expected));

  it.each(["@types%2fnode", "a/b.tgz?x=../y", "a...b", "./Packages", "..a/b", "a;b", "%2e/x", "a%20b", "", "?q"])(
    "passes %s on as it is",
    (rest) => expect(upstreamPath("/base/", rest)).toBe(`/base/${rest}`),
  );

  it.each([
    "..",
    "../a",
    "a/..",
    "a/../b",
    "%2e%2e",
    ".%2E/a",
    "a%2f..%2fb",
    "..%5ca",
    "%252e%252e%252f",
    "..;x/a",
    "..%20/a",
    "..%00",
    "%",
  ])("does not pass %s on", (rest) => expect(upstreamPath("/base/", rest)).toBeUndefined());

  it.each(["a b", "a\\b", "a#b", "a\u0000", "ä", "a\r\nb"])(
    "does not pass on what a request line cannot have: %j",
    (rest) => {
      expect(upstreamPath("/base/", rest)).toBeUndefined();
    },
  );

  it("never leads out of the base, however often it is decoded and by whatever separators", () => {
    const piece = fc.constantFrom(
      "..",
      ".",
      "/",
      "\\",
      "%2e",
      "%2E",
      "%2f",
      "%5c",
      "%25",
      "2e",
      "2f",
      ";",
      "a",
      "%00",
      "%",
    );
    const rest = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""));
    fc.assert(
      fc.property(rest, (text) => {
        const path = upstreamPath("/base/", text);
        if (path === undefined) return;
        let decoded = path;
        for (let round = 0; round < 6; round++) {
          const { origin, pathname } = new URL(`http://x.example${decoded.replaceAll("\\", "/")}`);
          expect([origin, pathname.startsWith("/base/")]).toEqual(["http://x.example", true]);
          decoded = decoded.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
            String.fromCharCode(Number.parseInt(hex, 16)),
          );
        }
      }),
    );
  });
});

describe("redirects", () => {
  const base = new URL("https://up.example/base/");
  const asked = new URL("https://up.example/base/a/b");
  it.each([
    ["c", { kind: "own", location: "/up/a/c" }],
    ["/base/c?x#y", { kind: "own", location: "/up/c?x#y" }],
    ["https://up.example/base/", { kind: "own", location: "/up/" }],
    ["//up.example/base/c", { kind: "own", location: "/up/c" }],
    ["/other", { kind: "refused" }],
    ["../../other", { kind: "refused" }],
    ["/base", { kind: "refused" }],
    ["https://u@up.example/base/", { kind: "refused" }],
    ["file:///etc/passwd", { kind: "refused" }],
    ["http://", { kind: "refused" }],
    ["http://up.example/base/c", { kind: "elsewhere" }],
    ["https://up.example:8443/base/c", { kind: "elsewhere" }],
    ["//other.example/x", { kind: "elsewhere" }],
  ])("%s", (location, expected) => expect(judgeRedirect(location, asked, base, "up")).toMatchObject(expected));

  it("leads to hosts by their name, or by that of what they are below", () => {
    const patterns = ["a.example", "*.b.example"];
    expect(["a.example", "x.b.example", "y.x.b.example"].every((host) => isListedHost(host, patterns))).toBe(true);
    expect(["x.a.example", "b.example", "xb.example", "c.example"].some((host) => isListedHost(host, patterns))).toBe(
      false,
    );
  });
});
