import { expect, it } from "vitest";
import { type Stoppable, stopMachine } from "../../../src/hypervisor/supervisor/stop-chain.ts";

/** A machine that ends at one of the steps, and notes all that is done to it. */
function machineThatHeeds(step: "ask" | "quit" | "terminate" | "kill"): Stoppable & { log: string[] } {
  const done = Promise.withResolvers<void>();
  const log: string[] = [];
  const heed = (name: typeof step) => {
    log.push(name);
    if (name === step) done.resolve();
  };
  return {
    ...{ done: done.promise, log, terminate: () => heed("terminate"), kill: () => heed("kill") },
    ask: async () => heed("ask"),
    quit: async () => {
      heed("quit");
      throw new Error("the monitor is gone");
    },
  };
}

it.each([
  ["ask", "asked", ["ask"]],
  ["quit", "quit", ["ask", "quit"]],
  ["terminate", "terminated", ["ask", "quit", "terminate"]],
  ["kill", "killed", ["ask", "quit", "terminate", "kill"]],
] as const)("a machine that heeds %s is ended by no more than that", async (step, by, steps) => {
  const machine = machineThatHeeds(step);
  expect(await stopMachine(machine, { politeMs: 20, stepMs: 20 })).toBe(by);
  expect(machine.log).toEqual(steps);
});

it("a guest is not asked where nobody wants to wait for it, and not waited for any longer", async () => {
  const forced = machineThatHeeds("quit");
  await stopMachine(forced, { politeMs: 0, stepMs: 20 });
  expect(forced.log).toEqual(["quit"]);

  const hurried = machineThatHeeds("quit");
  const hurry = new AbortController();
  const stopped = stopMachine(hurried, { politeMs: 3_600_000, stepMs: 20, hurry: hurry.signal });
  hurry.abort();
  expect(await stopped).toBe("quit");
});
