import { describe, expect, it } from "vitest";
import type { ActiveFeature, RunContext, TaskMachine } from "../../../src/feature/feature.ts";
import type { Step } from "../../../src/feature/steps.ts";
import type { GuestResult } from "../../../src/guest/guest-result.ts";
import { ActiveFeatures } from "../../../src/worker/active-features.ts";
import { runSteps } from "../../../src/worker/run-steps.ts";

const PASSED: GuestResult = { success: true, exitCode: 0 };
const HELD: GuestResult = { success: false, exitCode: 3, held: true };
const STOP = { reason: "stalled", message: "it does nothing" } as const;

interface World {
  results: Readonly<Record<string, GuestResult | Promise<GuestResult>>>;
  feature: ActiveFeature;
  letGo?: () => Promise<void>;
  when?: Step["when"];
}

/** Runs the steps `a` and `b`; resolves with how they ended, and what happened in which order. */
async function run({ results, feature, letGo = async () => {}, when = "on-success" }: World, events: string[] = []) {
  const guest = {
    run: async ({ command }: { command: readonly string[] }) => {
      events.push(`run ${command[0]}`);
      return await results[command[0] ?? ""];
    },
    killProcess: async () => void events.push("kill"),
    letGo: async () => {
      events.push("let go");
      await letGo();
    },
  };
  const machine = { guest } as unknown as TaskMachine;
  const { signal } = new AbortController();
  const note = (text: string) => void events.push(`note ${text}`);
  const context = { signal, note } as unknown as RunContext;
  await using features = new ActiveFeatures([{ name: "a feature", begin: () => feature }], context);
  const step = (name: string): Step => ({ name, command: [name], env: {}, cwd: undefined, user: undefined, when });
  const steps = [{ ...step("a"), when: "on-success" as const }, step("b")];
  const taskOf = ({ command }: Step) => ({ command, env: {} });
  const end = await runSteps({
    machine,
    features,
    steps,
    taskOf,
    results: [],
    note,
    settleLog: async () => {},
    signal,
  });
  return { end, events: events.filter((event) => !event.startsWith("note step")) };
}

function noting(events: string[], rest: ActiveFeature = {}): ActiveFeature {
  return {
    ...rest,
    failed: async (_machine, { reason, message }) => {
      events.push(`failed ${reason}: ${message}`);
      await rest.failed?.(_machine, { reason, message });
    },
  };
}

describe("steps of which one fails", () => {
  it("are looked at before the next one runs, and the one that is held is let go after that", async () => {
    const events: string[] = [];
    const { end } = await run({ results: { a: HELD, b: PASSED }, feature: noting(events), when: "always" }, events);
    expect(end).toMatchObject({ result: { success: false, exitCode: 3 } });
    expect(events.filter((event) => !event.startsWith("note"))).toEqual([
      "run a",
      "failed command-failed: the step a failed with exit code 3",
      "let go",
      "run b",
    ]);
  });

  it("are looked at once", async () => {
    const events: string[] = [];
    await run({ results: { a: HELD, b: HELD }, feature: noting(events), when: "always" }, events);
    expect(events.filter((event) => event.startsWith("failed"))).toHaveLength(1);
    expect(events.filter((event) => event === "let go")).toHaveLength(2);
  });

  it("fail as they did, whatever goes wrong with looking at them", async () => {
    const feature: ActiveFeature = { failed: () => Promise.reject(new Error("no room")) };
    const letGo = () => Promise.reject(new Error("it hangs"));
    const { end, events } = await run({ results: { a: HELD }, feature, letGo });
    expect(end).toMatchObject({ result: { exitCode: 3 } });
    expect(events).toEqual([
      "run a",
      "note warning: no room",
      "let go",
      "note warning: the command that failed still stands at its end: it hangs",
    ]);
  });

  it("are not looked at where all pass", async () => {
    const events: string[] = [];
    await run({ results: { a: PASSED, b: PASSED }, feature: noting(events) }, events);
    expect(events.some((event) => event.startsWith("failed"))).toBe(false);
  });
});

describe("steps that are to be ended", () => {
  it("are looked at while they run", async () => {
    const events: string[] = [];
    const killed = Promise.withResolvers<GuestResult>();
    const feature = noting(events, {
      watch: async () => STOP,
      failed: async () => void killed.resolve({ success: false, exitCode: 143 }),
    });
    const { end } = await run({ results: { a: killed.promise }, feature }, events);
    expect(end).toEqual({ stop: STOP });
    const order = events.filter((event) => !event.startsWith("note step"));
    expect(order).toEqual(["run a", "note it does nothing; ending it", "failed stalled: it does nothing", "kill"]);
  });

  it("have failed by themselves if their time comes while that is looked at", async () => {
    const events: string[] = [];
    const looking = Promise.withResolvers<void>();
    const done = Promise.withResolvers<void>();
    const feature = noting(events, {
      watch: async () => {
        await looking.promise;
        setImmediate(() => done.resolve());
        return STOP;
      },
      failed: async () => {
        looking.resolve();
        await done.promise;
      },
    });
    const { end } = await run({ results: { a: HELD }, feature }, events);
    expect(end).toMatchObject({ result: { exitCode: 3 } });
    expect(events).not.toContain("kill");
    expect(events.filter((event) => event.startsWith("failed"))).toHaveLength(1);
  });
});
