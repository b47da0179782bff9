import { describe, expect, it } from "vitest";
import { buildDriverMap } from "../../../../src/builder/debian/driver-map.ts";

const DEP = `kernel/drivers/virtio/virtio.ko: kernel/drivers/virtio/virtio_ring.ko
kernel/drivers/virtio/virtio_ring.ko:
kernel/drivers/char/hw_random/virtio-rng.ko: kernel/drivers/virtio/virtio.ko kernel/drivers/virtio/virtio_ring.ko
kernel/fs/other.ko:
`;
const ALIAS = `# Aliases
alias virtio:d00000004v* virtio_rng
alias fs-other other
`;

const BUILTIN = "kernel/drivers/virt/vmgenid.ko\n";
const FACTS = { dependencies: DEP, aliases: ALIAS, builtin: BUILTIN };

describe("buildDriverMap", () => {
  it("names the drivers with all they need, in the order in which they are loaded", () => {
    const map = buildDriverMap(FACTS, { always: [], forDevices: ["virtio_rng"], lastResort: [] });
    expect(map.text.split("\n")).toEqual([
      "m virtio /modules/virtio.ko virtio_ring",
      "m virtio_ring /modules/virtio_ring.ko",
      "m virtio_rng /modules/virtio-rng.ko virtio_ring virtio",
      "a virtio:d00000004v* virtio_rng",
      "",
    ]);
    expect(map.files).toHaveLength(3);
  });

  it("says what is loaded at once, and what comes last", () => {
    const map = buildDriverMap(FACTS, { always: ["other"], forDevices: [], lastResort: ["virtio-rng"] });
    expect(map.text).toContain("\nl other\n");
    expect(map.text).toContain("\nr virtio_rng\n");
  });

  it("tells which drivers the kernel lacks; those built into it are there", () => {
    const plan = { always: ["vmgenid"], forDevices: ["not_in_this_kernel"], lastResort: ["nor_this"] };
    expect(buildDriverMap(FACTS, plan).missing).toEqual(["not_in_this_kernel", "nor_this"]);
  });
});

it("modules that are compressed are unpacked ones in the initramfs", () => {
  const facts = {
    dependencies: "kernel/fs/ext4/ext4.ko.xz: kernel/fs/jbd2/jbd2.ko.xz\nkernel/fs/jbd2/jbd2.ko.xz:\n",
    aliases: "",
    builtin: "",
  };
  const map = buildDriverMap(facts, { always: ["ext4"], forDevices: [], lastResort: [] });
  expect(map.text).toBe("m ext4 /modules/ext4.ko jbd2\nm jbd2 /modules/jbd2.ko\nl ext4\n");
  expect(map.files).toEqual(["kernel/fs/ext4/ext4.ko.xz", "kernel/fs/jbd2/jbd2.ko.xz"]);
});
