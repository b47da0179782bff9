import { describe, expect, it } from "vitest";
import { parseForwardRequest, parseTunnelTarget } from "../../../src/network/proxy/forward-target.ts";

describe("target of CONNECT", () => {
  it.each([
    ["Example.ORG:443", { name: "example.org", port: 443 }],
    ["example.org.:443", { name: "example.org", port: 443 }],
    ["a_b.example:1", { name: "a_b.example", port: 1 }],
    ["8.8.4.4:53", { address: 0x08_08_04_04, port: 53 }],
  ])("%s", (authority, target) => expect(parseTunnelTarget(authority)).toMatchObject({ target }));

  it.each([
    ...["", ":443", "example.org", "example.org:", "example.org:0", "example.org:65536", "example.org:+1", "[::1]:80"],
    ...["a@b:80", "a b:80", "a..b:80", ".a:80", "-a:80", "127.1:80", "2130706433:80", "0x7f.1:80", "1.2.3.4.5:80"],
    ...["256.1.1.1:80", "01.2.3.4:80", "example.0x10:80", `${"a".repeat(64)}.b:80`, `${"a.".repeat(127)}b:80`],
    ...["/x:80", "x/y:80", "http://x:80", "ä:80"],
  ])("is not %j", (authority) => expect(parseTunnelTarget(authority)).toEqual(expect.any(String)));
});

describe("request for a whole URL", () => {
  it.each([
    ["http://X.example", { path: "/", host: "x.example", target: { name: "x.example", port: 80 } }],
    ["HTTP://x.example?q", { path: "/?q", host: "x.example" }],
    ["http://x.example:80/a#b", { path: "/a", host: "x.example" }],
    ["http://x.example:8080/a//b?c", { path: "/a//b?c", host: "x.example:8080", target: { port: 8_080 } }],
    ["http://8.8.4.4/a", { path: "/a", host: "8.8.4.4", target: { address: 0x08_08_04_04 } }],
  ])("%s", (url, expected) => expect(parseForwardRequest(url)).toMatchObject(expected));

  it.each([
    "/",
    "*",
    "x.example:80",
    "https://x.example/",
    "http:x",
    "http:///a",
    "http://u@x.example/",
    "http://[::1]/",
    "http://x.example:0/",
  ])("is not %s", (url) => expect(parseForwardRequest(url)).toEqual(expect.any(String)));
});
