/** What a guest's kernel makes of its network card. */
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MachineOverrides } from "../../src/generated/machine.ts";
import { Boxcar } from "./boxcar.ts";
import { whyNoOutsideWorld } from "./outside-world.ts";
import { Sandboxes } from "./sandboxes.ts";

let boxcar: Boxcar;

beforeAll(async () => {
  boxcar = await Boxcar.open({ ownImages: "default" });
});

afterAll(() => boxcar[Symbol.asyncDispose]());

/** Also sends more than a packet of that size, and gets the answer. */
const SCRIPT = [
  "set -e",
  "cat /sys/class/net/e*/mtu",
  "exec 3<>/dev/tcp/169.254.169.254/80",
  'printf "GET /engine/v1/ping HTTP/1.0\\r\\nX-Long: %012000d\\r\\n\\r\\n" 0 >&3',
  "head -1 <&3 | cut -c1-12",
].join("\n");

async function run(machine: MachineOverrides, flags: string[] = []) {
  const payload = { command: ["bash", "-c", SCRIPT], machine: { memory: 256, cores: 1, ...machine } };
  const { result, stdout, stderr } = await boxcar.runTask(payload, flags);
  expect(result, stderr).toMatchObject({ state: "completed" });
  return { start: result.start, lines: stdout.split("\n").slice(0, 2) };
}

describe("the largest packet of a guest", () => {
  it.each(["q35", "microvm"] as const)("is a large one with virtio on %s, booted or resumed", async (chipset) => {
    const expected = ["15360", "HTTP/1.1 200"];
    expect(await run({ chipset }, ["--cold"])).toEqual({ start: "booted", lines: expected });
    expect(await run({ chipset })).toEqual({ start: "resumed", lines: expected });
    expect(await run({ chipset })).toEqual({ start: "resumed", lines: expected });
  });

  it("is the usual one with another card", async () => {
    const expected = ["1500", "HTTP/1.1 200"];
    expect(await run({ network: "e1000" }, ["--cold"])).toEqual({ start: "booted", lines: expected });
    expect(await run({ network: "e1000" })).toEqual({ start: "resumed", lines: expected });
  });
});

describe.skipIf(whyNoOutsideWorld() !== undefined)("QEMU, started by root", () => {
  it.each(["user", "namespace"])("has no rights and can get none, in mode %s", async (mode) => {
    await using sandboxes = await Sandboxes.open(boxcar, { mode });
    await using started = await sandboxes.startWithDisks(0);
    const status = await readFile(`/proc/${started.sandbox.vm.pid}/status`, "utf8");
    for (const set of ["Inh", "Prm", "Eff", "Bnd", "Amb"]) expect(status).toMatch(new RegExp(`^Cap${set}:\\t0+$`, "m"));
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    expect(status).toMatch(/^Seccomp:\t2$/m);
  });
});
