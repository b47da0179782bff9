import { describe, expect, it } from "vitest";
import { QmpClient } from "../../../src/qmp/client.ts";
import type { QmpEvent } from "../../../src/qmp/messages.ts";
import { FakeMonitor } from "../../fakes/fake-monitor.ts";

describe("QmpClient", () => {
  it("negotiates before it is handed out", async () => {
    const monitor = new FakeMonitor();
    await using _client = await QmpClient.connect(monitor.stream);
    expect(monitor.commands).toEqual([{ execute: "qmp_capabilities" }]);
  });

  it("rejects the call, not the connection, when QEMU refuses a command", async () => {
    const monitor = new FakeMonitor({ device_del: { error: { class: "DeviceNotFound", desc: "no nic0" } } });
    await using client = await QmpClient.connect(monitor.stream);
    await expect(client.execute("device_del", { id: "nic0" })).rejects.toMatchObject({
      code: "qmp-command-failed",
      errorClass: "DeviceNotFound",
    });
    await expect(client.execute("query-status")).resolves.toEqual({});
  });

  it("matches overlapping calls to their replies", async () => {
    const monitor = new FakeMonitor({ a: { return: 1 }, b: { return: 2 } });
    await using client = await QmpClient.connect(monitor.stream);
    await expect(Promise.all([client.execute("a"), client.execute("b"), client.execute("a")])).resolves.toEqual([
      1, 2, 1,
    ]);
  });

  it("hands events to those who listen, until they stop", async () => {
    const monitor = new FakeMonitor();
    await using client = await QmpClient.connect(monitor.stream);
    const heard: QmpEvent[] = [];
    const stop = client.onEvent((event) => heard.push(event));
    monitor.send({ event: "RESUME", timestamp: { seconds: 1, microseconds: 0 } });
    await client.execute("query-status");
    stop();
    monitor.send({ event: "STOP", timestamp: { seconds: 1, microseconds: 0 } });
    await client.execute("query-status");
    expect(heard).toEqual([{ name: "RESUME", data: {}, atMs: 1_000 }]);
  });

  it("fails what is pending, and all that comes later, when QEMU goes away", async () => {
    const monitor = new FakeMonitor({ migrate: "silence" });
    await using client = await QmpClient.connect(monitor.stream);
    const pending = client.execute("migrate");
    monitor.hangUp();
    await expect(pending).rejects.toMatchObject({ code: "qmp-closed" });
    await expect(client.execute("query-status")).rejects.toMatchObject({ code: "qmp-closed" });
    await expect(client.closed).resolves.toBeUndefined();
  });

  it("gives up on a reply that does not come, and stays usable", async () => {
    const monitor = new FakeMonitor({ migrate: "silence" });
    await using client = await QmpClient.connect(monitor.stream);
    await expect(client.execute("migrate", undefined, { timeoutMs: 5 })).rejects.toMatchObject({
      code: "qmp-timed-out",
    });
    await expect(client.execute("query-status")).resolves.toEqual({});
  });

  it("closes the connection of a peer that does not speak the protocol", async () => {
    const monitor = new FakeMonitor({ stop: "silence" });
    await using client = await QmpClient.connect(monitor.stream);
    const pending = client.execute("stop");
    monitor.sendRaw("garbage\n");
    await expect(pending).rejects.toMatchObject({ code: "qmp-closed" });
  });
});
