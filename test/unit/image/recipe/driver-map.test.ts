import { describe, expect, it } from "vitest";
import { buildDriverMap } from "../../../../src/image/recipe/driver-map.ts";

const DEP = `kernel/drivers/virtio/virtio.ko: kernel/drivers/virtio/virtio_ring.ko
kernel/drivers/virtio/virtio_ring.ko:
kernel/drivers/char/hw_random/virtio-rng.ko: kernel/drivers/virtio/virtio.ko kernel/drivers/virtio/virtio_ring.ko
kernel/fs/other.ko:
`;
const ALIAS = `# Aliases
alias virtio:d00000004v* virtio_rng
alias fs-other other
`;

describe("buildDriverMap", () => {
  it("names the drivers with all they need, in the order in which they are loaded", () => {
    const map = buildDriverMap(DEP, ALIAS, ["virtio_rng", "not_in_this_kernel"]);
    expect(map.text.split("\n")).toEqual([
      "m virtio /modules/virtio.ko virtio_ring",
      "m virtio_ring /modules/virtio_ring.ko",
      "m virtio_rng /modules/virtio-rng.ko virtio_ring virtio",
      "a virtio:d00000004v* virtio_rng",
      "",
    ]);
    expect(map.files).toHaveLength(3);
  });
});
