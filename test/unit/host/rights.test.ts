import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { runCommand } from "../../../src/host/command.ts";
import { Capability, grants, hasRights, withoutRights } from "../../../src/host/rights.ts";

describe("rights", () => {
  it.each([
    ["000001ffffffffff", true],
    ["0000000000201000", true],
    ["0000000000200000", false],
    ["00000000a80425fb", false],
    ["0000000000000000", false],
  ])("are enough with those for networks and namespaces: %s", (bits, expected) => {
    const status = `Name:\tnode\nCapEff:\t${bits}\nCapBnd:\t000001ffffffffff\n`;
    expect(grants(status, [Capability.netAdmin, Capability.sysAdmin])).toBe(expected);
  });

  it("are none where nothing is said of them", () => {
    expect(grants("Name:\tnode\n", [Capability.setpcap])).toBe(false);
  });

  it("are given up for good by a program that is started without them", async () => {
    const bounded = await hasRights(Capability.setpcap);
    expect(bounded).toBe(grants(readFileSync("/proc/self/status", "utf8"), [Capability.setpcap]));
    const { stdout } = await runCommand([...withoutRights(bounded), "cat", "/proc/self/status"]);
    const sets = bounded ? ["Inh", "Prm", "Eff", "Bnd", "Amb"] : ["Inh", "Amb"];
    for (const set of sets) expect(stdout).toMatch(new RegExp(`^Cap${set}:\\t0+$`, "m"));
    expect(stdout).toMatch(/^NoNewPrivs:\t1$/m);
  });
});
