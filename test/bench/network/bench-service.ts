/** What guests ask in a benchmark, of Boxcar's server and of a plain one alike. */
import type { RequestListener } from "node:http";

export const LARGE_BYTES = 32_000_000;
const LARGE = Buffer.alloc(LARGE_BYTES);
const SMALL = Buffer.from("something small\n");

/** Answers `/bench/…`; the rest is for somebody else. */
export function withBenchService(others: RequestListener): RequestListener {
  return (request, response) => {
    switch (request.url) {
      case "/bench/small":
        response.end(SMALL);
        return;
      case "/bench/large":
        response.end(LARGE);
        return;
      case "/bench/sink":
        request.resume().on("end", () => response.end(SMALL));
        return;
      default:
        others(request, response);
    }
  };
}
