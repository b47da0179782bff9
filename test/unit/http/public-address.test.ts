import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { isElsewhere, isPublicAddress, lookupPublic } from "../../../src/http/public-address.ts";

describe("an address", () => {
  it.each([
    "1.1.1.1",
    "172.15.255.255",
    "172.32.0.1",
    "100.128.0.0",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2a00::1",
  ])("%s is public", (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  it.each([
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "198.19.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:10.0.0.1",
    "::ffff:1.1.1.1",
    "64:ff9b::a00:1",
    "fc00::1",
    "fe80::1",
    "fe80::1%eth0",
    "ff02::1",
    "2001::1",
    "2001:db8::1",
    "2002:a00:1::",
    "localhost",
    "",
  ])("%s is not public", (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});

it("is elsewhere only if it is public and none of this host's own", () => {
  const own = ["127.0.0.1", "::1", "8.8.4.4", "2a00:1450::8"];
  const addresses = ["8.8.8.8", "8.8.4.4", "10.0.0.1", "2a00:1450::9", "2a00:1450::8", "::1"];
  expect(addresses.filter((address) => isElsewhere(address, () => own))).toEqual(["8.8.8.8", "2a00:1450::9"]);
  expect(["8.8.8.8", "127.0.0.1"].filter((address) => isElsewhere(address))).toEqual(["8.8.8.8"]);
  const unknown = () => {
    throw new Error("too many open files");
  };
  expect(isElsewhere("8.8.8.8", unknown)).toBe(false);
});

it("finds no address for a name that has only private ones", async () => {
  const lookup = promisify<string, object, unknown>(lookupPublic as never);
  for (const options of [{}, { all: true }]) {
    await expect(lookup("localhost", options)).rejects.toMatchObject({ code: "address-refused", blame: "task" });
  }
});
