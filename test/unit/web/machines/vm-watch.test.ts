import { describe, expect, it } from "vitest";
import type { VmEvent } from "../../../../src/hypervisor/hypervisor.ts";
import { VmWatch } from "../../../../src/web/machines/long-lived/vm-watch.ts";

const SEEN: VmEvent = { time: "2026-11-22T00:00:00Z", id: "c2ed88810327", event: "seen", state: "running" };
const CHANGED: VmEvent = { ...SEEN, event: "changed", state: "paused" };

/** Machines of which there is something new once, each time somebody watches. */
class Watched {
  begun = 0;
  readonly ended: Promise<void>[] = [];
  readonly told: VmEvent[] = [];
  #told = Promise.withResolvers<void>();

  async hypervisor() {
    return { watch: (signal: AbortSignal) => this.#watch(signal) };
  }

  tell(event: VmEvent): void {
    this.told.push(event);
    this.#told.resolve();
  }

  /** Resolves when something was told since the last time. */
  async heard(): Promise<void> {
    await this.#told.promise;
    this.#told = Promise.withResolvers();
  }

  async *#watch(signal: AbortSignal): AsyncGenerator<VmEvent> {
    this.begun++;
    if (signal.aborted) return;
    yield SEEN;
    yield CHANGED;
    const end = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener("abort", () => resolve(), { once: true });
    });
    this.ended.push(end);
    await end;
  }
}

describe("the watch over machines that stay", () => {
  it("is one for all who look, and tells of changes only", async () => {
    const machines = new Watched();
    await using watch = new VmWatch({
      hypervisor: () => machines.hypervisor(),
      onChange: (event) => machines.tell(event),
    });
    watch.look();
    watch.look();
    await machines.heard();
    expect(machines.begun).toBe(1);
    expect(machines.told).toEqual([CHANGED]);
  });

  it("ends when nobody has looked for a while, and begins again", async () => {
    const machines = new Watched();
    await using watch = new VmWatch({
      hypervisor: () => machines.hypervisor(),
      onChange: (event) => machines.tell(event),
      restMs: 1,
    });
    watch.look();
    await machines.heard();
    await machines.ended[0];
    while (machines.begun < 2) {
      watch.look();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await machines.heard();
    expect(machines.told).toEqual([CHANGED, CHANGED]);
  });

  it("goes on at the next look where it has failed", async () => {
    let failures = 0;
    const failed = Promise.withResolvers<void>();
    const machines = new Watched();
    await using watch = new VmWatch({
      hypervisor: () => {
        if (failures++ > 0) return machines.hypervisor();
        failed.resolve();
        return Promise.reject(new Error("no hypervisor yet"));
      },
      onChange: (event) => machines.tell(event),
    });
    watch.look();
    await failed.promise;
    while (machines.begun < 1) {
      watch.look();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await machines.heard();
    expect(machines.told).toEqual([CHANGED]);
  });

  it("begins no more when it is disposed of", async () => {
    const machines = new Watched();
    const watch = new VmWatch({ hypervisor: () => machines.hypervisor(), onChange: () => {} });
    watch.look();
    await watch[Symbol.asyncDispose]();
    const { begun } = machines;
    watch.look();
    expect(machines.begun).toBe(begun);
  });
});
