import { describe, expect, it } from "vitest";
import { resolveConfig } from "../../../src/config/config.ts";
import { currentSurroundings } from "../../../src/config/host-facts.ts";

const host = { memoryMiB: 16_384, cpus: 4 };
const root = { env: {}, uid: 0, home: "/root", host };
const user = { env: {}, uid: 1000, home: "/home/ann", host };

describe("resolveConfig", () => {
  it("decides everything where there is no file", () => {
    expect(resolveConfig(undefined, root)).toEqual({
      stateDir: "/var/lib/boxcar",
      runDir: "/run/boxcar",
      images: {
        directory: "/var/lib/boxcar/images",
        default: "debian-minimal",
        maxSizeBytes: 50 * 1_024 ** 3,
        allowPaths: false,
        allowUrls: false,
        allowArtifacts: false,
        requireSignature: undefined,
        registries: [],
      },
      machineOptions: { maxMemory: 4_096, maxCPUs: 4, defaultThreads: 1 },
      machine: {},
      accelerator: "auto",
      pool: { machines: 0, memory: 4_096, maxIdleMs: 1_800_000 },
      vms: {},
      qemu: { binary: "qemu-system-x86_64" },
      network: {
        mode: "auto",
        policy: { max: "internet" },
        dns: { servers: [], hosts: {}, srv: [] },
        limits: {
          serviceConnections: 128,
          outsideConnections: 512,
          datagramFlows: 256,
          connectionsPerSecond: 200,
          idleMs: 3_600_000,
        },
        proxies: {},
      },
      limits: {
        maxRunTimeMs: 3_600_000,
        bootTimeoutMs: 300_000,
        maxLogBytes: 1_024 ** 3,
        maxArtifactBytes: 10 * 1_024 ** 3,
        maxArtifactFiles: 100_000,
      },
      features: {
        artifacts: { publish: { parallel: 8, timeoutMs: 1_800_000 } },
        log: { encoding: "gzip" },
        maxRunTime: { perTask: "allow" },
        stallTimeout: {},
        caches: { maxBytes: 10 * 1_024 ** 3, waitMs: 600_000 },
        inputs: { allow: [], maxBytes: 4 * 1_024 ** 3, cacheBytes: 10 * 1_024 ** 3 },
        interactive: { enabled: true, keepAfterMs: 600_000, maxKeepAfterMs: 7_200_000 },
        secrets: { values: {}, listNames: false },
        onFailure: {
          enabled: true,
          maxCount: 16,
          maxBytes: 64 * 1_024 ** 3,
          maxKeepMs: 86_400_000,
          maxResumed: 8,
          roles: ["submitter", "operator", "admin"],
        },
        checkpoints: {
          ...{ enabled: true, maxPerTask: 4, maxCount: 32, maxBytes: 64 * 1_024 ** 3 },
          ...{ expiresMs: 7_200_000, maxExpiresMs: 86_400_000, whenFull: "refuse", whenMissing: "fail" },
        },
      },
      queue: { driver: "embedded", name: "default", leaseMs: 120_000, postgres: {} },
      telemetry: {},
      webhooks: [],
      worker: {
        capacity: 3,
        reserve: { memoryMiB: 512, diskBytes: 5 * 1_024 ** 3 },
        lifecycle: {},
        shutdown: { timeoutMs: 3_600_000, notice: { everyMs: 5_000, timeoutMs: 90_000 } },
        hostErrors: { max: 3, pauseMs: 10_000, maxPauseMs: 600_000 },
        gc: { everyMs: 600_000, minFreeDiskBytes: 10 * 1_024 ** 3 },
        http: { names: [], proxies: [] },
        watchdog: { stuckAfterMs: 120_000, blockedAfterMs: 5_000 },
      },
      access: {
        enabled: false,
        sessions: { durationMs: 12 * 3_600_000 },
        rateLimits: { failedLoginsPerMinute: 10, allFailedLoginsPerMinute: 300, requestsPerSecond: 100 },
      },
    });
  });

  it("keeps a user's things in the user's directories", () => {
    expect(resolveConfig(undefined, user)).toMatchObject({
      stateDir: "/home/ann/.local/state/boxcar",
      runDir: "/tmp/boxcar-1000",
    });
    const env = { XDG_STATE_HOME: "/xdg/state", XDG_RUNTIME_DIR: "/run/user/1000" };
    expect(resolveConfig(undefined, { ...user, env })).toMatchObject({
      stateDir: "/xdg/state/boxcar",
      runDir: "/run/user/1000/boxcar",
      images: { directory: "/xdg/state/boxcar/images" },
    });
  });

  it("ignores XDG directories that are relative", () => {
    expect(resolveConfig(undefined, { ...user, env: { XDG_STATE_HOME: "state" } }).stateDir).toMatch(/^\/home\/ann/);
  });

  it("puts the environment above the file", () => {
    const document = { stateDir: "/file", accelerator: "kvm", images: { default: "other" } };
    const env = { BOXCAR_STATE_DIR: "/env", BOXCAR_RUN_DIR: "/r", BOXCAR_ACCELERATOR: "tcg", BOXCAR_IMAGES_DIR: "/i" };
    expect(resolveConfig(document, { ...root, env })).toMatchObject({
      stateDir: "/env",
      runDir: "/r",
      accelerator: "tcg",
      images: { directory: "/i", default: "other" },
    });
  });

  it("takes an empty variable for one that is not set", () => {
    expect(resolveConfig({ accelerator: "kvm" }, { ...root, env: { BOXCAR_ACCELERATOR: "" } }).accelerator).toBe("kvm");
  });

  it("names the variable that is wrong, together with what is wrong in the file", () => {
    const env = { BOXCAR_ACCELERATOR: "kmv", BOXCAR_STATE_DIR: "relative", BOXCAR_IMAGES_DIR: "here" };
    const resolve = () => resolveConfig({ qemu: { binray: "x" } }, { ...root, env }, "worker.yml");
    expect(resolve).toThrow("worker.yml has 4 issues");
    expect(resolve).toThrow('qemu.binray: is not a known key; did you mean "binary"?');
    expect(resolve).toThrow(/BOXCAR_ACCELERATOR: .*did you mean "kvm"/);
    expect(resolve).toThrow('BOXCAR_STATE_DIR: must be an absolute path, not "relative"');
    expect(resolve).toThrow("BOXCAR_IMAGES_DIR: must be an absolute path");
    expect(resolve).toThrow(expect.objectContaining({ blame: "host" }));
  });

  it("reads durations, and refuses those that are none or that no timer can wait for", () => {
    const limits = { maxRunTime: "1 day 2 hours", bootTimeout: 90 };
    expect(resolveConfig({ limits }, root).limits).toMatchObject({ maxRunTimeMs: 93_600_000, bootTimeoutMs: 90_000 });
    const wrong = () => resolveConfig({ limits: { maxRunTime: "25 days", bootTimeout: "soon" } }, root);
    expect(wrong).toThrow("limits.maxRunTime: 25 d is longer");
    expect(wrong).toThrow("limits.bootTimeout: must be a number of seconds");
  });

  it("refuses a run directory that leaves no room for sockets", () => {
    expect(() => resolveConfig({ runDir: `/${"ü".repeat(32)}` }, root)).toThrow("runDir: has 65 bytes");
    expect(resolveConfig({ runDir: `/${"r".repeat(63)}` }, root).runDir).toHaveLength(64);
  });

  it("refuses default machines that break its own limits", () => {
    const document = { machineOptions: { maxMemory: 512, maxCPUs: 2 }, machine: { memory: 1_024, cores: 4 } };
    expect(() => resolveConfig(document, root)).toThrow("1024 MiB is more than machineOptions.maxMemory, 512 MiB");
    expect(() => resolveConfig(document, root)).toThrow("4 CPUs is more than machineOptions.maxCPUs, 2");
  });

  it("limits machines by the host where the file does not say", () => {
    const small = { ...root, host: { memoryMiB: 2_048, cpus: 1 } };
    expect(resolveConfig(undefined, small).machineOptions).toMatchObject({ maxMemory: 1_024, maxCPUs: 1 });
    const huge = { ...root, host: { memoryMiB: 2_000_000, cpus: 512 } };
    expect(resolveConfig(undefined, huge).machineOptions).toMatchObject({ maxMemory: 4_096, maxCPUs: 255 });
    expect(resolveConfig({ machineOptions: { maxMemory: 9_000 } }, root).machineOptions).toEqual({
      maxMemory: 9_000,
      maxCPUs: 4,
      defaultThreads: 1,
    });
  });

  it("is frozen to the last field", () => {
    const config = resolveConfig({ machine: { flags: ["+avx2"] } }, root);
    expect(Object.isFrozen(config) && Object.isFrozen(config.limits) && Object.isFrozen(config.machine.flags)).toBe(
      true,
    );
  });

  it("does not change the document it is given", () => {
    const document = { machine: { flags: ["+avx2"] } };
    resolveConfig(document, { ...root, env: { BOXCAR_IMAGES_DIR: "/i" } });
    expect(document).toEqual({ machine: { flags: ["+avx2"] } });
    expect(Object.isFrozen(document.machine)).toBe(false);
  });
});

it("knows the host it runs on", () => {
  const { host: facts, home } = currentSurroundings({ HOME: "/here" });
  expect(facts.memoryMiB).toBeGreaterThan(0);
  expect(facts.cpus).toBeGreaterThan(0);
  expect(home).toBe("/here");
});
