import { describe, expect, it } from "vitest";
import {
  type Ancestor,
  findBootFiles,
  MAX_CHAIN_LENGTH,
  parentTop,
  requireChainLength,
  topDisk,
} from "../../../../src/image/store/chain.ts";

const directoryOf = (digest: string) => `/blobs/${digest.slice("sha256:".length)}`;

describe("the boot files of a chain", () => {
  const chain: Ancestor[] = [
    { digest: "sha256:top", files: ["image.json", "machine.json", "layer.qcow2"] },
    { digest: "sha256:middle", files: ["image.json", "initrd", "layer.qcow2", "machine.json"] },
    { digest: "sha256:root", files: ["disk.img", "initrd", "kernel", "machine.json"] },
  ];

  it("are each those of the nearest image that has one", () => {
    expect(findBootFiles(chain, directoryOf)).toEqual({ kernel: "/blobs/root/kernel", initrd: "/blobs/middle/initrd" });
    expect(findBootFiles(chain.slice(2), directoryOf).initrd).toBe("/blobs/root/initrd");
    expect(findBootFiles(chain.slice(0, 1), directoryOf)).toEqual({ kernel: undefined, initrd: undefined });
  });
});

describe("the disk of an image", () => {
  it("is its layer, or its disk if it has none, for machines and for children", () => {
    const alone = { "disk.img": "/b/disk.img" };
    const both = { ...alone, "layer.qcow2": "/b/layer.qcow2" };
    expect(topDisk({ files: alone })).toEqual({ file: "/b/disk.img", format: "raw" });
    expect(topDisk({ files: both })).toEqual({ file: "/b/layer.qcow2", format: "qcow2" });
    expect(parentTop(alone)).toEqual({ top: "parent/disk.img", format: "raw" });
    expect(parentTop(both)).toEqual({ top: "parent/layer.qcow2", format: "qcow2" });
    expect(() => topDisk({ files: {} })).toThrow("without a disk");
  });
});

it("a chain has a limit, and one image more is refused", () => {
  expect(() => requireChainLength(MAX_CHAIN_LENGTH)).not.toThrow();
  expect(() => requireChainLength(MAX_CHAIN_LENGTH + 1)).toThrow(
    expect.objectContaining({ code: "image-chain-too-deep", blame: "image" }),
  );
});
