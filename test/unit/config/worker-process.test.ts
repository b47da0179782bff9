import { describe, expect, it } from "vitest";
import { resolveConfig } from "../../../src/config/config.ts";

const gib = 1_024 ** 3;
const surroundings = (host = { memoryMiB: 16_384, cpus: 4 }) => ({ env: {}, uid: 0, home: "/root", host });
const worker = (section: object, host?: { memoryMiB: number; cpus: number }) =>
  resolveConfig({ worker: section }, surroundings(host)).worker;

describe("the section of the worker", () => {
  it("has by default as many machines as the host has room for", () => {
    expect(worker({}, { memoryMiB: 65_536, cpus: 4 }).capacity).toBe(4);
    expect(worker({}, { memoryMiB: 16_384, cpus: 64 }).capacity).toBe(3);
    expect(worker({ reserve: { memory: 0 } }, { memoryMiB: 16_384, cpus: 64 }).capacity).toBe(4);
    expect(worker({}, { memoryMiB: 512, cpus: 1 }).capacity).toBe(1);
    const small = resolveConfig({ machineOptions: { maxMemory: 1_024 } }, surroundings());
    expect(small.worker.capacity).toBe(4);
  });

  it("keeps figures that depend on each other in order", () => {
    const { shutdown, gc, hostErrors } = worker({
      shutdown: { timeout: "1 minute" },
      reserve: { diskGiB: 20 },
      hostErrors: { pause: "1 hour" },
    });
    expect(shutdown.notice.timeoutMs).toBe(60_000);
    expect(gc.minFreeDiskBytes).toBe(20 * gib);
    expect(hostErrors).toMatchObject({ pauseMs: 3_600_000, maxPauseMs: 3_600_000 });
  });

  it("lets a worker live for longer than a timer can wait, but no time-out be so long", () => {
    expect(worker({ lifecycle: { maxUptime: "90 days" } }).lifecycle.maxUptimeMs).toBe(90 * 86_400_000);
    expect(() => worker({ shutdown: { timeout: "90 days" } })).toThrow("worker.shutdown.timeout: 90 d is longer");
  });

  it.each([
    ["127.0.0.1:7070", { host: "127.0.0.1", port: 7_070 }],
    ["127.9.9.9:0", { host: "127.9.9.9", port: 0 }],
    ["[::1]:7070", { host: "::1", port: 7_070 }],
    ["localhost:80", { host: "localhost", port: 80 }],
  ])("listens at %s", (listen, expected) => {
    expect(worker({ http: { listen } }).http.listen).toEqual(expected);
  });

  it.each(["0.0.0.0:7070", "[::]:7070", "10.0.0.1:7070", "worker.example:7070", "[::ffff:10.0.0.1]:7070"])(
    "does not listen at %s, which others can reach",
    (listen) => {
      expect(() => worker({ http: { listen } })).toThrow("worker.http.listen: ");
      expect(() => worker({ http: { listen } })).toThrow("nobody is asked for a password; use 127.0.0.1");
    },
  );

  it("listens anywhere once clients have to log in", () => {
    const listen = (address: string) =>
      resolveConfig({ access: { enabled: true }, worker: { http: { listen: address } } }, surroundings()).worker.http;
    expect(listen("0.0.0.0:7070").listen).toEqual({ host: "0.0.0.0", port: 7_070 });
    expect(listen("worker.example:7070").listen).toEqual({ host: "worker.example", port: 7_070 });
    expect(() => listen("0.0.0.0:99999")).toThrow("worker.http.listen: 99999 is no port");
    expect(() => worker({ http: { listen: "0.0.0.0:7070" } })).toThrow("or set access.enabled to true");
  });

  it("is reached by an address without a path, and other names", () => {
    const http = {
      url: "https://CI.example.com:443/",
      fleetUrl: "http://10.0.0.5:80/",
      names: ["Worker-1.example.com"],
      proxies: ["10.0.0.0/8", "::1"],
    };
    expect(worker({ http }).http).toMatchObject({
      ...{ url: "https://ci.example.com", fleetUrl: "http://10.0.0.5" },
      ...{ names: ["worker-1.example.com"], proxies: ["10.0.0.0/8", "::1"] },
    });
  });

  it.each([
    ["url", "https://ci.example.com/boxcar"],
    ["url", "ci.example.com"],
    ["url", "https://user@ci.example.com"],
    ["url", "https://ci.example.com:70000"],
    ["fleetUrl", "http://10.0.0.5:7070/boxcar"],
    ["fleetUrl", "http://10.0.0.5:70700"],
    ["proxies", ["10.0.0.0/33"]],
    ["proxies", ["::1/129"]],
    ["proxies", ["999.0.0.1"]],
    ["names", ["worker.example.com:7070"]],
    ["tls", { certificate: "/etc/cert.pem" }],
  ])("refuses a %s of %j", (key, value) => {
    expect(() => worker({ http: { [key]: value } })).toThrow(`worker.http.${key}`);
  });

  it.each(["7070", "127.0.0.1", "127.0.0.1:", "::1:7070", "127.0.0.1:99999", "http://127.0.0.1:1"])(
    "takes %s for no address with a port",
    (listen) => {
      expect(() => worker({ http: { listen } })).toThrow("worker.http.listen: ");
    },
  );

  it("refuses two ways to learn that the host goes", () => {
    const shutdown = { notice: { file: "/x", command: ["y"] } };
    expect(() => worker({ shutdown })).toThrow("worker.shutdown.notice: has both file and command");
  });
});
