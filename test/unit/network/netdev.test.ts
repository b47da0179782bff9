import { describe, expect, it } from "vitest";
import { netdevArgument } from "../../../src/network/netdev.ts";

describe("the argument of -netdev", () => {
  it("gives QEMU an inherited descriptor", () => {
    expect(netdevArgument("net0", 5)).toBe("stream,id=net0,server=off,addr.type=fd,addr.str=5");
    expect(netdevArgument("net0", 5, "socket")).toBe("socket,id=net0,fd=5");
  });
});
