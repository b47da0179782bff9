import { describe, expect, it } from "vitest";
import { endToEnd } from "../../../src/network/proxy/hop-by-hop.ts";
import { isShareable, passedHeaders, sharedHeaders } from "../../../src/network/proxy/request-headers.ts";

describe("headers of a connection", () => {
  it("go no further, nor do those that it names", () => {
    const headers = {
      connection: "Close, X-One ,x-two",
      "x-one": "1",
      "x-two": "2",
      te: "trailers",
      upgrade: "h2c",
      kept: "3",
    };
    expect(endToEnd(headers)).toEqual({ kept: "3" });
  });
});

describe("headers of a guest", () => {
  it("do not say where the request came from, and do not replace the operator's", () => {
    const guest = {
      "x-forwarded-for": "1",
      via: "2",
      forwarded: "3",
      "x-real-ip": "4",
      host: "5",
      expect: "6",
      authorization: "7",
      kept: "8",
    };
    expect(passedHeaders(guest, { authorization: "operator" })).toEqual({ kept: "8" });
    expect(passedHeaders(guest, {})).toEqual({ authorization: "7", kept: "8" });
  });

  it.each([
    ["gzip", "gzip"],
    ["deflate, GZIP;q=0.5", "gzip"],
    ["x-gzip", "gzip"],
    ["gzip;q=0", "identity"],
    ["gzip; q=0.000, br", "identity"],
    ["br", "identity"],
    [undefined, "identity"],
  ])("that accept %s are as good as those that accept %s", (accepted, expected) => {
    expect(sharedHeaders({ "accept-encoding": accepted })["accept-encoding"]).toBe(expected);
  });

  it("are not passed on for an answer that others get", () => {
    const shared = sharedHeaders({ accept: "a/b", "user-agent": "x", "x-any": "y", cookie: "z" });
    expect(shared).toEqual({ accept: "a/b", "accept-encoding": "identity", "user-agent": "boxcar" });
  });

  it("decide whether the answer is for others too", () => {
    expect(isShareable("GET", { "cache-control": "no-cache" })).toBe(true);
    expect(isShareable("HEAD", {})).toBe(false);
    for (const headers of [
      { authorization: "x" },
      { cookie: "x" },
      { range: "x" },
      { "cache-control": "max-age=0, No-Store" },
    ]) {
      expect(isShareable("GET", headers)).toBe(false);
    }
  });
});
