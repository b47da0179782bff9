/** With what the library exports. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { NetworkSettings } from "../../../src/config/network.ts";
import { EgressLog, INTERNET, MachineNetworks, resolveConfig, type SandboxOptions } from "../../../src/index.ts";

const CARD = { mac: "52:54:00:12:34:56", mtu: 1_500 };
const REFUSED = { kind: "connect", decision: "refused", name: "a.example", port: 80, reason: "policy" } as const;

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "boxcar-machine-networks-"));
});

afterEach(() => rm(directory, { recursive: true }));

function settingsOf(network: object): NetworkSettings {
  const host = { memoryMiB: 4_096, cpus: 2 };
  return resolveConfig({ network }, { env: {}, uid: 0, home: directory, host }).network;
}

async function openNetworks(): Promise<MachineNetworks> {
  return await MachineNetworks.open({ settings: settingsOf({ mode: "user" }), cacheDirectory: directory });
}

describe("networks of machines", () => {
  it("are what a sandbox takes, in the mode of the configuration", async () => {
    await using networks = await openNetworks();
    const options: Pick<SandboxOptions, "networks"> = { networks };
    await using machine = await options.networks.open(CARD);
    expect([networks.mode, networks.description, machine.network.mode]).toEqual(["user", "user", "user"]);
    await machine.network.setPolicy(INTERNET);
    expect(await machine.network.stats()).toMatchObject({ framesFromGuest: 0, refused: 0 });
  });

  it("tell what was asked for to whom it is said, from then on, and leave him his log", async () => {
    await using networks = await openNetworks();
    await using log = new EgressLog();
    {
      await using machine = await networks.open(CARD);
      machine.egress.note(REFUSED);
      expect(machine.egress.counts).toMatchObject({ asked: 0 });
      machine.egress.connect(log);
      machine.egress.note(REFUSED);
      expect(machine.egress.counts).toMatchObject({ asked: 1, refused: 1 });
    }
    log.note(REFUSED);
    await log.flush();
    expect(log.latest()).toMatchObject([{ ...REFUSED, count: 2 }]);
  });

  it("leave nothing where one of their proxies cannot be", async () => {
    const good = { url: "http://a.example/", cacheBytes: 1_048_576, headers: {}, methods: ["GET"], redirects: [] };
    const proxies = { a: good, b: { ...good, url: "ftp://a.example/" } };
    const settings = { ...settingsOf({}), proxies };
    const opened = MachineNetworks.open({ settings, cacheDirectory: directory });
    await expect(opened).rejects.toMatchObject({ code: "proxy-invalid" });
    expect(await readdir(join(directory, "proxies", "a", "parts"))).toEqual([]);
  });
});
