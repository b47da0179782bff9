/** What every hypervisor does, whatever runs its machines. */
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { codeOf } from "../../src/base/errors.ts";
import { Scope } from "../../src/base/scope.ts";
import type { Hypervisor, VmEvent } from "../../src/hypervisor/hypervisor.ts";
import type { VmSpec } from "../../src/hypervisor/spec.ts";

export interface HypervisorHarness {
  /** Two of them that know nothing of each other, on the same machines, as in two processes. */
  readonly one: Hypervisor;
  readonly two: Hypervisor;
  /** A small machine with an agent. */
  readonly spec: VmSpec;
  /** Numbers of the processes that are machines. */
  machines(): Promise<readonly number[]>;
  /** What is left of machines that are gone. */
  leftovers(): Promise<readonly string[]>;
}

const signal = new AbortController().signal;
const START_MS = 120_000;

export function describeHypervisor(name: string, open: (scope: Scope) => Promise<HypervisorHarness>): void {
  describe(`a hypervisor: ${name}`, () => {
    const scope = new Scope();
    let harness: HypervisorHarness;
    let one: Hypervisor;
    let two: Hypervisor;

    beforeAll(async () => {
      harness = await open(scope);
      ({ one, two } = harness);
      scope.defer(async () => {
        for (const { record } of await one.list()) await one.remove(record.id, { force: true, signal });
      });
    });

    afterAll(() => scope[Symbol.asyncDispose](), START_MS);

    const make = (called: string, more: Partial<VmSpec> = {}) =>
      one.create({ ...harness.spec, name: called, ...more }, { signal });

    async function run(called: string, script: string): Promise<{ code: number; output: string }> {
      const chunks: Buffer[] = [];
      const live = await two.open(called);
      await live.waitForGuest(signal);
      const code = await live.exec(["sh", "-c", script], { onOutput: (chunk) => void chunks.push(chunk), signal });
      return { code, output: Buffer.concat(chunks).toString().trim() };
    }

    async function processOf(called: string) {
      const { record } = await one.inspect(called);
      if (record.process?.emulator === undefined) throw new Error(`${called} has no process`);
      return { emulator: record.process.emulator.pid, supervisor: record.process.supervisor.pid };
    }

    async function untilState(called: string, state: string): Promise<void> {
      const over = AbortSignal.timeout(30_000);
      for await (const _ of one.watch(over)) if ((await one.inspect(called)).record.state === state) return;
      throw new Error(`${called} is not ${state}`);
    }

    it("makes a machine that others find, and removes it with its name", async () => {
      const made = await make("web");
      expect(made).toMatchObject({ name: "web", state: "created", starts: 0 });
      expect((await two.inspect(made.id.slice(0, 6))).record).toMatchObject({ id: made.id, state: "created" });
      await expect(make("web")).rejects.toMatchObject({ code: "vm-name-taken" });
      await expect(two.inspect("nothing")).rejects.toMatchObject({ code: "vm-not-found" });
      await expect(two.open("web")).rejects.toMatchObject({ code: "vm-state" });
      await two.remove("web", { signal });
      expect(await one.list()).toEqual([]);
      expect(await harness.leftovers()).toEqual([]);
    });

    it("leaves nothing of a machine that cannot be made", async () => {
      await expect(make("bad", { image: "no-such-image" })).rejects.toThrow();
      await expect(make("no name")).rejects.toMatchObject({
        code: expect.stringMatching(/vm-name-invalid|invalid-input/),
      });
      await expect(make("bad", { machine: { memory: 2 ** 30 } })).rejects.toMatchObject({ code: "invalid-input" });
      expect(await one.list()).toEqual([]);
      expect(await harness.leftovers()).toEqual([]);
    });

    it("says what it would start, and makes nothing", async () => {
      expect((await one.plan(harness.spec, signal)).length).toBeGreaterThan(1);
      expect(await one.list()).toEqual([]);
    });

    it(
      "has a machine live from its start to its stop, and keeps what is on its disk",
      async () => {
        const events: VmEvent[] = [];
        const watched = (async () => {
          for await (const event of two.watch(AbortSignal.timeout(2 * START_MS))) {
            events.push(event);
            if (event.event === "removed") return;
          }
        })();
        await make("life");
        const started = await one.start("life", { wait: true, signal });
        expect(started).toMatchObject({ state: "running", starts: 1 });
        expect((await two.start("life", { signal })).starts).toBe(1);
        expect(await run("life", "hostname; echo kept > /root/file; sync; exit 3")).toEqual({
          code: 3,
          output: "life",
        });

        expect((await two.pause("life", signal)).state).toBe("paused");
        await expect(run("life", "true")).rejects.toMatchObject({ code: "vm-state" });
        await expect(one.start("life", { signal })).rejects.toMatchObject({ code: "vm-state" });
        // Who watches looks now and then: what lasts is seen.
        await expect.poll(() => events.map(({ state }) => state), { timeout: 10_000 }).toContain("paused");
        expect((await one.resume("life", signal)).state).toBe("running");
        expect((await run("life", "echo goes on")).output).toBe("goes on");

        await expect(two.remove("life", { signal })).rejects.toMatchObject({ code: "vm-state" });
        expect(await two.stop("life", { signal })).toMatchObject({ state: "stopped", reason: "it was stopped" });
        expect((await one.stop("life", { signal })).state).toBe("stopped");
        expect(await harness.machines()).toEqual([]);

        await one.start("life", { wait: true, signal });
        expect((await run("life", "cat /root/file; hostname")).output).toBe("kept\nlife");
        await one.remove("life", { force: true, signal });
        expect(await harness.machines()).toEqual([]);
        expect(await harness.leftovers()).toEqual([]);
        await watched;
        const seen = events.map(({ event, state }) => `${event} ${state}`);
        expect(seen[0]).toMatch(/^made/);
        expect(seen).toContain("changed paused");
        expect(seen.at(-1)).toMatch(/^removed/);
      },
      2 * START_MS,
    );

    it(
      "starts a machine once, although two want to; both are told the truth",
      async () => {
        await make("both");
        const outcomes = await Promise.allSettled([one.start("both", { signal }), two.start("both", { signal })]);
        expect(outcomes.some(({ status }) => status === "fulfilled")).toBe(true);
        for (const outcome of outcomes) {
          if (outcome.status === "rejected") expect(outcome.reason).toMatchObject({ code: "vm-busy" });
          else expect(outcome.value.state).toBe("running");
        }
        expect(await harness.machines()).toHaveLength(1);
        expect((await one.inspect("both")).record.starts).toBe(1);
      },
      START_MS,
    );

    it("has nothing run where nobody waits any longer for a start, and stops what another one starts", async () => {
      // None of its kind has booted before, which takes a while.
      await make("given-up", { machine: { ...harness.spec.machine, memory: 144 } });
      const before = await harness.machines();
      const waiting = new AbortController();
      const note = () => waiting.abort(new Error("nobody waits"));
      await expect(one.start("given-up", { note, signal: waiting.signal })).rejects.toThrow("nobody waits");
      expect(await harness.machines()).toEqual(before);
      expect((await two.inspect("given-up")).record).toMatchObject({ state: "error", starts: 0 });

      const begun = Promise.withResolvers<void>();
      const starting = one.start("given-up", { note: () => begun.resolve(), signal });
      await begun.promise;
      expect((await two.stop("given-up", { force: true, signal })).state).toBe("stopped");
      await Promise.allSettled([starting]);
      expect((await two.inspect("given-up")).record).toMatchObject({ state: "stopped", starts: 1 });
      expect(await harness.machines()).toEqual(before);
      await two.remove("given-up", { signal });
    });

    it(
      "stops a machine also while it starts again, and for all who want that at once",
      async () => {
        await make("again");
        await one.start("again", { signal });
        const { emulator } = await processOf("again");
        const again = one.restart("again", { force: true, signal }).then(() => "started", codeOf);
        await vi.waitUntil(async () => !(await harness.machines()).includes(emulator), {
          timeout: 30_000,
          interval: 5,
        });
        expect((await two.stop("again", { force: true, signal })).state).toBe("stopped");
        // It may just have started again.
        expect(await again).toMatch(/^(started|vm-state|vm-lost)$/);
        expect((await one.inspect("again")).record).toMatchObject({ state: "stopped", reason: "it was stopped" });

        await one.start("again", { signal });
        const stopped = await Promise.all([one, two, one].map((each) => each.stop("again", { force: true, signal })));
        expect(stopped.map(({ state }) => state)).toEqual(["stopped", "stopped", "stopped"]);
        await one.remove("again", { signal });
      },
      START_MS,
    );

    it(
      "says so when a machine was killed, and when its supervisor was, and starts it again",
      async () => {
        process.kill((await processOf("both")).emulator, "SIGKILL");
        await untilState("both", "stopped");
        expect((await two.inspect("both")).record.reason).toMatch(/SIGKILL/);
        await two.start("both", { signal });

        const { supervisor } = await processOf("both");
        process.kill(supervisor, "SIGKILL");
        await untilState("both", "stopped");
        expect((await one.inspect("both")).isStale).toBe(true);
        expect(await one.gc()).toEqual([{ id: expect.any(String), done: "stopped" }]);
        expect((await one.inspect("both")).isStale).toBe(false);
        const again = await one.start("both", { wait: true, signal });
        expect(again.starts).toBe(3);
        expect((await run("both", "echo here")).output).toBe("here");
        expect(await harness.machines()).toHaveLength(1);
        await two.remove("both", { force: true, signal });
        expect(await harness.machines()).toEqual([]);
        expect(await harness.leftovers()).toEqual([]);
      },
      2 * START_MS,
    );
  });
}
