import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { InvalidInputError } from "../../../src/base/errors.ts";
import { resolveConfig } from "../../../src/config/config.ts";
import { DEFAULT_LIMITS } from "../../../src/network/limits.ts";

const host = { memoryMiB: 16_384, cpus: 4 };
const resolve = (network: object, env: Record<string, string> = {}) =>
  resolveConfig({ network }, { env, uid: 0, home: "/root", host }).network;

function issuesOf(network: object, env?: Record<string, string>): string[] {
  try {
    resolve(network, env);
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    return error.issues.map(({ path, message }) => `${path}: ${message}`);
  }
  return [];
}

describe("the section network", () => {
  it("has a default for everything, which the network itself has too", () => {
    expect(resolve({})).toEqual({
      mode: "auto",
      policy: { max: "internet", allow: undefined },
      dns: { servers: [], hosts: {}, srv: [] },
      limits: DEFAULT_LIMITS,
      proxies: {},
    });
  });

  it("takes quantities as people write them", () => {
    const limits = { packetsPerSecond: 5_000, mbitPerSecond: 100, outsideMiB: 1.5, idle: "10 minutes" };
    expect(resolve({ limits }).limits).toEqual({
      ...DEFAULT_LIMITS,
      packetsPerSecond: 5_000,
      bytesPerSecond: 12_500_000,
      outsideBytes: 1_572_864,
      idleMs: 600_000,
    });
  });

  it("has variables for its single values", () => {
    const env = {
      BOXCAR_NETWORK_MODE: "user",
      BOXCAR_NETWORK_POLICY_MAX: "isolated",
      BOXCAR_NETWORK_LIMITS_MBIT_PER_SECOND: "8",
      BOXCAR_NETWORK_LIMITS_OUTSIDE_MIB: "1",
    };
    expect(resolve({ mode: "namespace" }, env)).toMatchObject({
      mode: "user",
      policy: { max: "isolated" },
      limits: { bytesPerSecond: 1_000_000, outsideBytes: 1_048_576 },
    });
    expect(issuesOf({}, { BOXCAR_NETWORK_MODE: "bridge" })).toEqual([
      expect.stringMatching(/^BOXCAR_NETWORK_MODE: must be one of auto, user, namespace/),
    ]);
  });
});

describe("network.policy", () => {
  it("allows no more than lists to tasks whose lists it bounds", () => {
    const allow = ["*.debian.org", "8.8.8.0/24:53"];
    expect(resolve({ policy: { allow } }).policy).toEqual({
      max: "allow",
      allow: {
        entries: allow,
        rules: [
          { name: "*.debian.org", ports: [80, 443] },
          { subnet: 0x08080800, prefixLength: 24, ports: [53] },
        ],
      },
    });
    expect(resolve({ policy: { allow: [], max: "isolated" } }).policy.max).toBe("isolated");
  });

  it("refuses a bound that bounds nothing, and entries that are none", () => {
    expect(issuesOf({ policy: { max: "internet", allow: ["example.org"] } })).toEqual([
      expect.stringMatching(/^network\.policy\.allow: bounds nothing/),
    ]);
    expect(issuesOf({ policy: { allow: ["example.org", "https://example.org", "10.0.0.0/8"] } })).toEqual([
      expect.stringMatching(/^network\.policy\.allow\[1\]: is a URL/),
      expect.stringMatching(/^network\.policy\.allow\[2\]: has addresses of /),
    ]);
  });
});

describe("network.dns", () => {
  it("has names in one form", () => {
    const srv = [{ name: "_ldap._TCP.Example.com", target: "ldap.example.com.", port: 389 }];
    expect(resolve({ dns: { hosts: { "Build.Example.COM.": "192.0.2.7" }, srv } }).dns).toEqual({
      servers: [],
      hosts: { "build.example.com": "192.0.2.7" },
      srv: [{ name: "_ldap._tcp.example.com", target: "ldap.example.com", port: 389, priority: 0, weight: 0 }],
    });
  });

  it("takes servers with and without a port", () => {
    const servers = ["192.0.2.53", "192.0.2.53:5353", "2001:db8::53", "[2001:db8::53]", "[2001:db8::53]:5353"];
    expect(resolve({ dns: { servers } }).dns.servers).toEqual(servers);
  });

  it.each([
    [{ servers: ["dns.example.com"] }, "network.dns.servers[0]"],
    [{ servers: ["192.0.2.53:0"] }, "network.dns.servers[0]"],
    [{ servers: ["192.0.2.53:65536"] }, "network.dns.servers[0]"],
    [{ servers: ["[192.0.2.53]"] }, "network.dns.servers[0]"],
    [{ hosts: { "a.example": "192.0.2.256" } }, 'network.dns.hosts["a.example"]'],
    [{ hosts: { "Metadata.Boxcar.internal.": "192.0.2.7" } }, 'network.dns.hosts["Metadata.Boxcar.internal."]'],
    [{ hosts: { "*.example": "192.0.2.7" } }, 'network.dns.hosts["*.example"]'],
    [{ hosts: { "a..example": "192.0.2.7" } }, 'network.dns.hosts["a..example"]'],
    [{ hosts: { "a.example": "192.0.2.7", "A.example.": "192.0.2.8" } }, 'network.dns.hosts["A.example."]'],
    [{ srv: [{ name: "_a._tcp.example", target: "-", port: 1 }] }, "network.dns.srv[0].target"],
    [{ srv: [{ name: "_a._tcp.example", target: "a", port: 65_536 }] }, "network.dns.srv[0].port"],
  ])("refuses %j", (dns, path) => {
    expect(issuesOf({ dns })).toEqual([expect.stringContaining(`${path}: `)]);
  });
});

describe("network.proxies", () => {
  it("keep answers unless they are told not to, and show nobody their headers", () => {
    const { proxies } = resolve({
      proxies: {
        npm: { url: "https://registry.example.org/", headers: { Authorization: "Bearer very-secret" } },
        debian: { url: "http://deb.example.org/debian", cache: { maxMiB: 2 } },
        api: { url: "https://api.example.org", cache: false },
      },
    });
    expect(Object.values(proxies).map(({ cacheBytes }) => cacheBytes)).toEqual([1_073_741_824, 2_097_152, 0]);
    expect(proxies["npm"]?.headers["Authorization"]?.reveal()).toBe("Bearer very-secret");
    expect(proxies["api"]).toMatchObject({ methods: ["GET", "HEAD"], redirects: [] });
    expect(`${JSON.stringify(proxies)}${inspect(proxies, { depth: 9 })}`).not.toContain("very-secret");
  });

  it("say of a cache that is switched on what it takes", () => {
    expect(issuesOf({ proxies: { a: { url: "https://a.example", cache: true } } })).toEqual([
      "network.proxies.a.cache: must be false, or an object with maxMiB, not true",
    ]);
  });

  it.each([
    [{ engine: { url: "https://a.example" } }, "network.proxies.engine"],
    [{ "A/B": { url: "https://a.example" } }, 'network.proxies["A/B"]'],
    [{ a: { url: "https://user:password@a.example" } }, "network.proxies.a.url"],
    [{ a: { url: "https://a.example/?q" } }, "network.proxies.a.url"],
    [{ a: { url: "https://a.example:99999" } }, "network.proxies.a.url"],
    [{ a: { url: "https://a.example", cache: true } }, "network.proxies.a.cache"],
    [{ a: { url: "https://a.example", cache: { maxMiB: 0 } } }, "network.proxies.a.cache.maxMiB"],
    [{ a: { url: "https://a.example", methods: ["CONNECT"] } }, "network.proxies.a.methods[0]"],
    [{ a: { url: "https://a.example", redirects: ["b.example/c"] } }, "network.proxies.a.redirects[0]"],
    [{ a: { url: "https://a.example", headers: { Host: "b.example" } } }, "network.proxies.a.headers.Host"],
    [{ a: { url: "https://a.example", headers: { "a b": "c" } } }, 'network.proxies.a.headers["a b"]'],
    [{ a: { url: "https://a.example", headers: { "x-a": "b\nx-c: d" } } }, "network.proxies.a.headers.x-a"],
    [{ a: { url: "https://a.example", headers: { "x-a": "\u2026" } } }, "network.proxies.a.headers.x-a"],
    [{ a: { url: "https://a.example", headers: { "x-a": "b", "X-A": "c" } } }, "network.proxies.a.headers.X-A"],
  ])("refuses %j", (proxies, path) => {
    expect(issuesOf({ proxies })).toEqual([expect.stringContaining(`${path}: `)]);
  });
});
