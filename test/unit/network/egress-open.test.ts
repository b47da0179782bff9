import { expect, it } from "vitest";
import { Egress } from "../../../src/network/egress/egress.ts";
import { OutsideError } from "../../../src/network/egress/outside.ts";
import { DEFAULT_LIMITS } from "../../../src/network/limits.ts";
import { AddressVetting } from "../../../src/network/policy/address-vetting.ts";
import { INTERNET } from "../../../src/network/policy/network-policy.ts";

const lookedUp: string[] = [];

/** A way outside on which no name has an address. */
function startEgress(connectionsPerSecond: number): Egress {
  lookedUp.length = 0;
  return new Egress({
    limits: { ...DEFAULT_LIMITS, connectionsPerSecond, outsideConnections: 8 },
    policy: () => INTERNET,
    lookup: {
      lookup: async (name) => {
        lookedUp.push(name);
        return [];
      },
    },
    vetting: new AddressVetting(),
    log: { note: () => {} },
  });
}

async function tryOpen(egress: Egress, name: string, signal?: AbortSignal): Promise<string> {
  const opening = egress.open({ name, port: 80 }, signal);
  return await opening.then(
    () => "open",
    (error: unknown) => (error instanceof OutsideError ? error.message : String(error)),
  );
}

it("makes services of the machine wait where they open more connections than the machine may", async () => {
  await using egress = startEgress(20);
  const began = performance.now();
  const outcomes = await Promise.all(Array.from({ length: 8 }, (_, index) => tryOpen(egress, `n${index}.example`)));
  expect(outcomes).toEqual(Array(8).fill("its name has no address"));
  // Two at once, then one every 50 ms; a busy host makes it only slower.
  expect(performance.now() - began).toBeGreaterThan(250);
});

it("lets those that wait count as connections, and go at once when nobody wants them any more", async () => {
  const egress = startEgress(1);
  const gone = new AbortController();
  const [first] = [tryOpen(egress, "a.example")];
  const waiting = Array.from({ length: 7 }, () => tryOpen(egress, "b.example", gone.signal));
  expect(await tryOpen(egress, "c.example")).toBe("too many connections");
  gone.abort();
  expect(await Promise.all(waiting)).toEqual(Array(7).fill("it is not wanted any more"));
  expect(await first).toBe("its name has no address");
  expect(lookedUp).toEqual(["a.example"]);
  const late = tryOpen(egress, "d.example");
  await egress[Symbol.asyncDispose]();
  expect(await late).toBe("it is not wanted any more");
});
