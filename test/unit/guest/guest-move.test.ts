import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { createMove, isOfLife } from "../../../src/guest/guest-move.ts";
import { GuestSession } from "../../../src/guest/guest-session.ts";

const FORK = { checkpoint: "built", index: 1, count: 3 };
const AGENT = { "user-agent": "boxcar-agent/0123" };
const OTHER = { "user-agent": "taskcluster-worker" };

function session(options: Partial<ConstructorParameters<typeof GuestSession>[0]>): GuestSession {
  return new GuestSession({ log: new PassThrough().resume(), ...options });
}

describe("the life of a machine", () => {
  it("is another one after each move", () => {
    const lives = new Set(Array.from({ length: 100 }, () => createMove().life));
    expect(lives.size).toBe(100);
    for (const life of lives) expect(life).toMatch(/^[0-9a-f]{32}$/);
  });

  it("is told from those before by what the agent says; other tools know of none", () => {
    const resumed = createMove();
    const fork = createMove({ fork: FORK });
    for (const move of [resumed, fork]) {
      expect(isOfLife(move, { ...AGENT, "x-boxcar-life": move.life })).toBe(true);
      expect(isOfLife(move, { ...AGENT, "x-boxcar-life": "another" })).toBe(false);
      expect(isOfLife(move, { ...AGENT, "x-boxcar-life": [move.life] })).toBe(false);
      expect(isOfLife(move, AGENT)).toBe(false);
      expect(isOfLife(undefined, { ...AGENT, "x-boxcar-life": "any" })).toBe(true);
    }
    expect(isOfLife(resumed, OTHER)).toBe(true);
    expect(isOfLife(resumed, {})).toBe(true);
    expect(isOfLife(fork, OTHER)).toBe(false);
  });
});

describe("the session of a machine that has moved", () => {
  it("has nothing to hand out while the command goes on, and takes what is said of it, whatever its number", async () => {
    const task = { command: ["x"], env: { A: "b" } };
    const { task: state, log } = session({ move: createMove({ task, logOffset: 77 }) });
    await expect(state.started).resolves.toBeUndefined();
    await expect(state.next(0)).resolves.toBeUndefined();
    await expect(state.next(1)).resolves.toBeUndefined();
    expect(() => state.setTask(task)).toThrow("one task");
    await expect(state.run(task, false)).rejects.toThrow("goes on");
    expect(state.isAt(5)).toBe(true);
    expect(state.latest).toBe(task);
    expect(log.position).toBe(77);
    state.report({ success: false, exitCode: 3 }, 5);
    state.report({ success: false, exitCode: 3 });
    await expect(state.resolved).resolves.toEqual({ success: false, exitCode: 3 });
    await expect(state.next(0)).resolves.toBeUndefined();
  });

  it("gives a fork its next task, which knows what it is", async () => {
    const env = { A: "b", BOXCAR_FORK_INDEX: "no" };
    const fork = session({ move: createMove({ fork: FORK, logOffset: 77 }), task: { command: ["x"], env } });
    const expected = { A: "b", BOXCAR_FORK_INDEX: "1", BOXCAR_FORK_COUNT: "3", BOXCAR_CHECKPOINT: "built" };
    await expect(fork.task.next(0)).resolves.toEqual({ command: ["x"], env: expected });
    expect(fork.log.position).toBe(0);
    const steps = session({ move: createMove({ fork: FORK }) });
    void steps.run({ command: ["y"], env: {} }).catch(() => {});
    await expect(steps.task.next(0)).resolves.toMatchObject({ env: { BOXCAR_FORK_INDEX: "1" } });
    steps.close();
  });
});
