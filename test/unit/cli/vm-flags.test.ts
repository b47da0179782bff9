import { describe, expect, it } from "vitest";
import {
  parseDisk,
  parseDurationMs,
  parseForward,
  parseMemory,
  parsePlace,
  parseSizeBytes,
} from "../../../src/cli/vm/flags.ts";

describe("options of boxcar vm", () => {
  it("sizes have a unit, or are MiB", () => {
    expect(["512", "512M", "2G", "1 GiB", "64k"].map(parseSizeBytes)).toEqual([
      ...[512 * 2 ** 20, 512 * 2 ** 20, 2 ** 31, 2 ** 30, 65_536],
    ]);
    expect(parseMemory("1G")).toBe(1_024);
    for (const bad of ["", "0", "-1", "1.5G", "2X", "G"]) expect(() => parseSizeBytes(bad), bad).toThrow(/size/);
    expect(() => parseMemory("1k")).toThrow(/MiB/);
  });

  it("ports are of loopback where nothing else is said, and picked where none is", () => {
    const forward = (host: string, hostPort: number, guestPort: number) => ({ host, hostPort, guestPort });
    expect(parseForward("80")).toEqual([forward("127.0.0.1", 0, 80)]);
    expect(parseForward("8080:80")).toEqual([forward("127.0.0.1", 8_080, 80)]);
    expect(parseForward("0.0.0.0:1:2", [forward("127.0.0.1", 0, 80)])).toEqual([
      ...[forward("127.0.0.1", 0, 80), forward("0.0.0.0", 1, 2)],
    ]);
    const before = parseForward("8080:80");
    expect(() => parseForward("8080:81", before)).toThrow(/127\.0\.0\.1:8080 is there twice/);
    expect(parseForward("127.0.0.2:8080:80", parseForward("0:80", before))).toHaveLength(3);
    for (const bad of ["", "x", "1:2:3", "8080:", "8080:0", "70000:1", "1.2.3.4:80"]) {
      expect(() => parseForward(bad), bad).toThrow(/GUEST-PORT/);
    }
  });

  it("disks have a name and a size, and a place unless they are bare", () => {
    expect(parseDisk("data:1G")).toEqual([{ name: "data", sizeBytes: 2 ** 30, fs: "ext4", mount: "/mnt/data" }]);
    expect(parseDisk("a:64M:/srv")).toMatchObject([{ mount: "/srv" }]);
    expect(parseDisk("raw:64M:none")).toEqual([{ name: "raw", sizeBytes: 2 ** 26, fs: "none" }]);
    expect(() => parseDisk("data:2G", parseDisk("data:1G"))).toThrow(/two disks/);
    expect(() => parseDisk("b:1G:/a/", parseDisk("a:1G:/a"))).toThrow(/two disks at \/a/);
    expect(() => parseDisk("a:3M")).toThrow(/at least 4M/);
    for (const bad of ["", "data", "Data:1G", "data:1G:srv"]) expect(() => parseDisk(bad), bad).toThrow();
  });

  it("durations are seconds, or have units", () => {
    expect(["90", "90s", "2 minutes"].map(parseDurationMs)).toEqual([90_000, 90_000, 120_000]);
    expect(() => parseDurationMs("soon")).toThrow(/duration/);
  });

  it("a place with a name and a colon is in a machine", () => {
    expect(parsePlace("dev:/srv")).toEqual({ machine: "dev", path: "/srv" });
    expect(parsePlace("./a:b")).toEqual({ machine: undefined, path: "./a:b" });
    expect(parsePlace("file")).toEqual({ machine: undefined, path: "file" });
  });
});
