import { expect, it } from "vitest";
import { workerUrl } from "../../../../src/cli/worker/worker-url.ts";

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
  expect(workerUrl({ tls: undefined, ...settings }, port)).toBe(expected);
});
