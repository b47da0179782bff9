import { describe, expect, it } from "vitest";
import { allowingPrefix, tryParseUrlPrefix, type UrlPrefix } from "../../../src/base/url-prefix.ts";

const prefixes = (...texts: string[]) => texts.map((text) => tryParseUrlPrefix(text) as UrlPrefix);
const allows = (prefix: string, url: string) => allowingPrefix(new URL(url), prefixes(prefix)) !== undefined;

describe("a prefix of URLs", () => {
  it.each([
    ["https://a.example", "https://a.example/x?y=1"],
    ["https://a.example/", "https://A.example:443/"],
    ["https://a.example/dl/", "https://a.example/dl/x/../y"],
    ["https://a.example/dl", "https://a.example/dl/x"],
    ["https://a.example/dl", "https://a.example/dl"],
    ["http://a.example:8080/", "http://a.example:8080/x"],
    ["https://", "https://anything.example/x%2fy"],
    ["http://[::1]/", "http://[0:0::1]/x"],
  ])("%s allows %s", (prefix, url) => {
    expect(allows(prefix, url)).toBe(true);
  });

  it.each([
    ["https://a.example", "https://a.example.net/"],
    ["https://a.example", "https://a.example:8443/"],
    ["https://a.example", "http://a.example/"],
    ["https://a.example", "https://a.example@b.example/"],
    ["https://a.example/dl", "https://a.example/dlx"],
    ["https://a.example/dl/", "https://a.example/dl/../x"],
    ["https://a.example/dl/", "https://a.example/dl/%2e%2e/x"],
    ["https://a.example/dl/", "https://a.example/dl/..%2Fx"],
    ["https://a.example/dl/", "https://a.example/dl/..%5cx"],
    ["https://", "http://a.example/"],
  ])("%s does not allow %s", (prefix, url) => {
    expect(allows(prefix, url)).toBe(false);
  });

  it("with a host wins over one without, whatever their order", () => {
    const url = new URL("https://a.example/x");
    expect(allowingPrefix(url, prefixes("https://", "https://a.example/"))?.host).toBe("a.example");
    expect(
      allowingPrefix(new URL("https://b.example/"), prefixes("https://a.example/", "https://"))?.host,
    ).toBeUndefined();
  });

  it.each([
    "https:",
    "ftp://a.example/",
    "a.example",
    "https://user@a.example/",
    "https://a.example/?x",
    "https://a.example/#x",
    "https://a b/",
  ])("is not %s", (text) => {
    expect(tryParseUrlPrefix(text)).toBeUndefined();
  });
});
