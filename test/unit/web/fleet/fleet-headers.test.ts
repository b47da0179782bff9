import { describe, expect, it } from "vitest";
import { headersToClient, headersToWorker } from "../../../../src/web/fleet/fleet-headers.ts";

describe("headers of a request that is passed on", () => {
  it("are those of the message, not of the connection, nor the secrets of the client", () => {
    const headers = {
      ...{ accept: "text/plain", range: "bytes=0-9", "if-none-match": '"a"', "sec-websocket-key": "key" },
      ...{ connection: "keep-alive, X-Mine", "x-mine": "1", "keep-alive": "timeout=5", te: "trailers" },
      ...{ "transfer-encoding": "chunked", upgrade: "websocket", "proxy-authorization": "Basic x" },
      ...{ host: "a:1", authorization: "Bearer secret", cookie: "session=secret", "x-boxcar-csrf": "secret" },
      ...{ origin: "http://a:1", "x-forwarded-for": "10.0.0.1", "x-boxcar-fleet": "forged" },
    };
    expect(headersToWorker(headers)).toEqual({
      ...{ accept: "text/plain", range: "bytes=0-9", "if-none-match": '"a"', "sec-websocket-key": "key" },
    });
  });

  it("come back without those of the connection, and without cookies", () => {
    const headers = {
      ...{ "content-type": "text/plain", etag: '"a"', "content-length": "3", vary: "Accept-Encoding" },
      ...{ connection: "close", "transfer-encoding": "chunked", "set-cookie": ["session=other"] },
    };
    expect(headersToClient(headers)).toEqual({
      ...{ "content-type": "text/plain", etag: '"a"', "content-length": "3", vary: "Accept-Encoding" },
    });
  });
});
