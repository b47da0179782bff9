import { expect, it } from "vitest";
import { fleetUrl, workerUrl } from "../../../../src/cli/worker/worker-url.ts";

const tls = { certificate: "/a", key: "/b" };

it.each([
  [{ url: "https://a.example.com", listen: { host: "0.0.0.0", port: 7070 } }, 7070, "https://a.example.com"],
  [{ url: undefined, listen: { host: "10.0.0.1", port: 0 } }, 4711, "http://10.0.0.1:4711"],
  [{ url: undefined, listen: { host: "::1", port: 7070 } }, 7070, "http://[::1]:7070"],
  [{ url: undefined, listen: { host: "a.example.com", port: 7070 }, tls }, 7070, "https://a.example.com:7070"],
  [{ url: undefined, listen: { host: "0.0.0.0", port: 7070 } }, 7070, undefined],
  [{ url: undefined, listen: { host: "::", port: 7070 } }, 7070, undefined],
  [{ url: undefined, listen: undefined }, undefined, undefined],
  [{ url: undefined, listen: { host: "10.0.0.1", port: 0 } }, undefined, undefined],
])("a worker is reached by its configuration: %o, port %s: %s", (settings, port, expected) => {
  const http = { tls: undefined, fleetUrl: undefined, ...settings };
  expect(workerUrl(http, port)).toBe(expected);
  expect(fleetUrl(http, port)).toBe(expected);
});

it("other workers may reach it by another address than people", () => {
  const listen = { host: "0.0.0.0", port: 7070 };
  const http = { url: "https://ci.example.com", fleetUrl: "http://10.0.0.5:7070", listen, tls: undefined };
  expect([workerUrl(http, 7070), fleetUrl(http, 7070)]).toEqual(["https://ci.example.com", "http://10.0.0.5:7070"]);
  expect(fleetUrl({ ...http, fleetUrl: undefined }, 7070)).toBe("https://ci.example.com");
});
