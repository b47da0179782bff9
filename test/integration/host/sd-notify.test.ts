import { execFileSync, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isInstalled } from "../../../src/host/program.ts";
import { SystemdNotifier } from "../../../src/host/sd-notify.ts";

const SOURCE = fileURLToPath(new URL("../../fixtures/host/datagram-sink.c", import.meta.url));

const hasSystemd = await isInstalled("systemd-notify");

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "boxcar-notify-"));
  execFileSync("gcc", ["-o", join(directory, "sink"), SOURCE]);
});

afterAll(() => rm(directory, { recursive: true }));

/** What systemd would read at this address. */
class Sink implements AsyncDisposable {
  readonly #child;
  readonly #lines;

  private constructor(address: string) {
    this.#child = spawn(join(directory, "sink"), [address], { stdio: ["ignore", "pipe", "inherit"] });
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  static async open(address: string): Promise<Sink> {
    const sink = new Sink(address);
    expect(await sink.next()).toBe("ready");
    return sink;
  }

  /** The next message; what is only there to wait for it is passed over. */
  async next(): Promise<string> {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) throw new Error("the sink has ended");
      if (value !== "BARRIER=1") return value;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill();
  }
}

const unused = `@boxcar-test-${process.pid}`;

describe.skipIf(!hasSystemd)("SystemdNotifier (needs systemd-notify, of Debian's package systemd)", () => {
  it.each([
    ["in the file system", () => join(directory, "notify")],
    ["in the abstract namespace", () => `${unused}-1`],
  ])("tells how the service is, in order, by a socket %s", async (_where, address) => {
    await using sink = await Sink.open(address());
    await using notifier = SystemdNotifier.fromEnvironment({ NOTIFY_SOCKET: address() });
    expect(notifier.enabled).toBe(true);
    void notifier.ready("takes tasks");
    void notifier.status("runs 2 tasks\nof 4");
    void notifier.stopping();
    expect(await sink.next()).toBe("READY=1 STATUS=takes tasks");
    expect(await sink.next()).toBe("STATUS=runs 2 tasks of 4");
    expect(await sink.next()).toBe("STOPPING=1");
  });

  it("says that it lives while it is healthy, again and again", async () => {
    await using sink = await Sink.open(`${unused}-2`);
    const env = { NOTIFY_SOCKET: `${unused}-2`, WATCHDOG_USEC: "100000", WATCHDOG_PID: String(process.pid) };
    await using notifier = SystemdNotifier.fromEnvironment(env);
    expect(notifier.watchdogMs).toBe(100);
    let isHealthy = true;
    let asked = 0;
    const askedTwice = Promise.withResolvers<void>();
    notifier.startWatchdog(() => {
      if (!isHealthy && ++asked === 2) askedTwice.resolve();
      return isHealthy;
    });
    for (let i = 0; i < 3; i++) expect(await sink.next()).toBe("WATCHDOG=1");
    isHealthy = false;
    await askedTwice.promise;
    await notifier.status("hangs");
    // At most one was on its way.
    const next = await sink.next();
    expect(next === "WATCHDOG=1" ? await sink.next() : next).toBe("STATUS=hangs");
  });

  it("logs that nobody listens, and goes on", async () => {
    const lines: string[] = [];
    const logger = { log: (_level: string, message: string) => void lines.push(message) };
    await using notifier = SystemdNotifier.fromEnvironment({ NOTIFY_SOCKET: join(directory, "nobody") }, { logger });
    await notifier.ready();
    expect(lines).toEqual(["systemd could not be told how the service is"]);
  });
});

it("does nothing where systemd has not started the process", async () => {
  await using notifier = SystemdNotifier.fromEnvironment({ WATCHDOG_USEC: "100000" });
  expect(notifier).toMatchObject({ enabled: false, watchdogMs: undefined });
  await notifier.ready();
  notifier.startWatchdog(() => {
    throw new Error("asked");
  });
});

it.each([
  [{ WATCHDOG_USEC: "30000000" }, 30_000],
  [{ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "7" }, 30_000],
  [{ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "6" }, 30_000],
  [{ WATCHDOG_USEC: "30000000", WATCHDOG_PID: "8" }, undefined],
  [{ WATCHDOG_USEC: "0" }, undefined],
  [{ WATCHDOG_USEC: "soon" }, undefined],
  [{}, undefined],
])("takes %j for a watchdog of %j ms", (env, expected) => {
  const notifier = SystemdNotifier.fromEnvironment({ NOTIFY_SOCKET: unused, ...env }, { pid: 7, ppid: 6 });
  expect(notifier.watchdogMs).toBe(expected);
});
