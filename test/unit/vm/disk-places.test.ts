import { expect, it } from "vitest";
import { QmpClient } from "../../../src/qmp/client.ts";
import { addDisk } from "../../../src/vm/disk-places.ts";
import { FakeMonitor } from "../../fakes/fake-monitor.ts";

it.each([
  { what: "a disk that stays is flushed when its guest says so", isDurable: true },
  { what: "a disk that nobody needs after a crash of the host is not flushed", isDurable: false },
])("$what", async ({ isDurable }) => {
  const qemu = new FakeMonitor();
  const monitor = await QmpClient.connect(qemu.stream);
  await addDisk(monitor, 2, { diskFile: "/vms/x/data.raw", format: "raw", sizeBytes: 8_388_608 }, { isDurable });
  const cache = { "no-flush": !isDurable };
  expect(qemu.commands.filter(({ execute }) => execute === "blockdev-add")).toMatchObject([
    { arguments: { driver: "raw", "node-name": "disk-in-2", cache, file: { filename: "/vms/x/data.raw", cache } } },
  ]);
  qemu.hangUp();
});
