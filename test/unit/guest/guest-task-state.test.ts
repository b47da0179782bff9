import { describe, expect, it } from "vitest";
import { GuestTaskState } from "../../../src/guest/guest-task-state.ts";

const TASK = { command: ["true"], env: {} };

describe("the task of a guest", () => {
  it("is there for whoever waits for it", async () => {
    const state = new GuestTaskState();
    await expect(state.next(0)).resolves.toBeUndefined();
    await expect(state.next(1)).resolves.toBeUndefined();
    const waiting = state.next(60_000);
    state.setTask(TASK);
    await expect(waiting).resolves.toBe(TASK);
    expect(() => state.setTask(TASK)).toThrow("one task");
  });

  it("starts, ends once, and takes the first word for it", async () => {
    const state = new GuestTaskState();
    state.setTask(TASK);
    expect(() => state.report({ success: true })).toThrow("not been fetched");
    state.handOut();
    state.report({ success: false, exitCode: 3 });
    state.report({ success: false, exitCode: 4 });
    expect(() => state.report({ success: true })).toThrow("already resolved as failed");
    await expect(state.started).resolves.toBeUndefined();
    await expect(state.resolved).resolves.toEqual({ success: false, exitCode: 3 });
  });

  it("rejects what has not happened when it is closed, and keeps what has", async () => {
    const state = new GuestTaskState();
    const waiting = state.next(60_000);
    state.close(new Error("gone"));
    await expect(waiting).resolves.toBeUndefined();
    await expect(state.started).rejects.toThrow("gone");
    await expect(state.resolved).rejects.toThrow("gone");

    const ended = new GuestTaskState();
    ended.setTask(TASK);
    ended.handOut();
    ended.report({ success: true });
    ended.close(new Error("gone"));
    await expect(ended.resolved).resolves.toEqual({ success: true });
  });

  it("runs one command at a time, and another one only where that was said before", async () => {
    const state = new GuestTaskState();
    const first = state.run(TASK, true);
    await expect(state.run(TASK, true)).rejects.toThrow("one command of its task at a time");
    state.handOut();
    state.report({ success: true }, 1);
    await expect(first).resolves.toEqual({ success: true });
    const second = state.run(TASK, false);
    state.handOut();
    state.report({ success: false }, 2);
    await expect(second).resolves.toEqual({ success: false });
    await expect(state.run(TASK, false)).rejects.toThrow("the last one");
    await expect(state.resolved).resolves.toEqual({ success: true });
  });

  it("asks for the start of the log once for each command but the first", () => {
    const state = new GuestTaskState();
    const starts = [7, 8];
    const logStart = () => starts.shift() as number;
    void state.run(TASK, true);
    expect(state.handOut(logStart)).toEqual({ ...TASK, step: 1, more: true });
    state.report({ success: true }, 1);
    void state.run(TASK, true);
    expect(state.handOut(logStart)).toEqual({ ...TASK, step: 2, more: true, logStart: 7 });
    expect(state.handOut(logStart)).toEqual({ ...TASK, step: 2, more: true, logStart: 7 });
  });

  it("rejects a command that runs, and any later one, when it is closed", async () => {
    const state = new GuestTaskState();
    const running = state.run(TASK, true);
    state.handOut();
    state.close(new Error("gone"));
    await expect(running).rejects.toThrow("gone");

    const between = new GuestTaskState();
    const first = between.run(TASK, true);
    between.handOut();
    between.report({ success: true }, 1);
    await first;
    between.close(new Error("gone"));
    await expect(between.run(TASK, false)).rejects.toThrow("gone");

    // The guest says it too late, and another step is opened in a session that is closed.
    state.report({ success: true }, 1);
    await expect(state.run(TASK, false)).rejects.toThrow("gone");
  });
});
