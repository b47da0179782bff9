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
});
