import { describe, expect, it } from "vitest";
import { formatBytes, formatDuration, formatRelative, formatSeconds } from "../../../src/dashboard/core/format.ts";
import { machinePath, parseRoute, returnPath, taskPath } from "../../../src/dashboard/core/routes.ts";
import { listPath, parseFilter, toggleState } from "../../../src/dashboard/core/task-filter.ts";
import { groupFailures, whyOf } from "../../../src/dashboard/core/tasks.ts";
import { parseNetwork } from "../../../src/dashboard/features/network/network-report.ts";
import { placeBars } from "../../../src/dashboard/features/timeline/place-bars.ts";
import type { ApiTask } from "../../../src/generated/api.ts";

describe("an address", () => {
  it.each([
    ["/", { page: "overview" }],
    ["/tasks", { page: "tasks" }],
    ["/tasks/abc", { page: "task", task: "abc", run: "latest", tab: "log" }],
    ["/tasks/abc/runs/3", { page: "task", task: "abc", run: 3, tab: "log" }],
    ["/tasks/abc/runs/latest/display", { page: "task", task: "abc", run: "latest", tab: "display" }],
    ["/tasks/a%20b", { page: "task", task: "a b", run: "latest", tab: "log" }],
    ["/tasks/%", { page: "task", task: "%", run: "latest", tab: "log" }],
    ["/tasks/abc/runs/x", { page: "none" }],
    ["/tasks/abc/runs/0/nothing", { page: "none" }],
    ["/tasks/abc/other", { page: "none" }],
    ["/images/sha256%3Aab", { page: "image", image: "sha256:ab" }],
    ["/images/x/y", { page: "none" }],
    ["/machines", { page: "machines" }],
    ["/machines/dev", { page: "machine", machine: "dev", tab: "terminal" }],
    ["/machines/a%2Fb/console", { page: "machine", machine: "a/b", tab: "console" }],
    ["/machines/dev/log", { page: "none" }],
    ["/machines/dev/display/x", { page: "none" }],
    ["/constructor", { page: "none" }],
  ])("%s", (path, route) => {
    expect(parseRoute(path)).toEqual(route);
  });

  it("of a task is read as it was made", () => {
    expect(parseRoute(taskPath("a/b", { run: 2, tab: "artifacts" }))).toEqual({
      page: "task",
      task: "a/b",
      run: 2,
      tab: "artifacts",
    });
    expect(taskPath("a", { tab: "log" })).toBe("/tasks/a");
    expect(machinePath("dev", { tab: "display", worker: "a b" })).toBe("/machines/dev/display?worker=a%20b");
    expect(machinePath("dev")).toBe("/machines/dev");
  });

  it.each([
    ["?returnTo=/tasks%3Fstate%3Dfailed", "/tasks?state=failed"],
    ["", "/"],
    ["?returnTo=//example.com", "/"],
    ["?returnTo=/%5Cexample.com", "/"],
    ["?returnTo=https://example.com", "/"],
    ["?returnTo=javascript:alert(1)", "/"],
  ])("to return to never leads elsewhere: %s", (search, path) => {
    expect(returnPath(search)).toBe(path);
  });
});

describe("a filter of tasks", () => {
  it("is what the address says, and nothing it does not know", () => {
    const filter = parseFilter(new URLSearchParams("state=failed,odd,running&search= x &queue=q&before=T"));
    expect(filter).toEqual({ states: ["running", "failed"], queue: "q", search: " x ", before: "T" });
    expect(listPath(filter)).toBe("/tasks?limit=51&state=running%2Cfailed&queue=q&search=x&before=T");
  });

  it("has states switched on and off", () => {
    expect(toggleState(["running"], "pending")).toBe("pending,running");
    expect(toggleState(["running", "failed"], "running")).toBe("failed");
  });
});

describe("times and sizes", () => {
  it.each([
    [0, "0 ms"],
    [850, "850 ms"],
    [4_240, "4.2 s"],
    [59_900, "59 s"],
    [187_000, "3 min 7 s"],
    [7_500_000, "2 h 5 min"],
    [273_600_000, "3 d 4 h"],
  ])("%d ms is %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it("count up in whole seconds, never below nothing", () => {
    expect([0, 4_900, 60_000, -5_000].map(formatSeconds)).toEqual(["0 s", "4 s", "1 min", "0 s"]);
  });

  it("are told from now", () => {
    const now = 1_000_000_000;
    const at = [now, now - 12_000, now + 180_000, now - 86_400_000, now - 200_000_000];
    expect(at.map((ms) => formatRelative(ms, now))).toEqual([
      "just now",
      "12 s ago",
      "in 3 min",
      "24 h ago",
      "2 days ago",
    ]);
  });

  it("have binary units", () => {
    expect([0, 1_023, 1_024, 48_213, 8_812_331, 5 * 2 ** 40].map(formatBytes)).toEqual([
      "0 B",
      "1023 B",
      "1.0 KiB",
      "47 KiB",
      "8.4 MiB",
      "5.0 TiB",
    ]);
  });
});

describe("a task that failed", () => {
  const failed = (name: string, taskId: string) =>
    ({
      taskId,
      name,
      state: "failed",
      runs: [{ runId: 0, state: "failed", reason: "command-failed", exitCode: 2, message: "first line\nsecond" }],
    }) as unknown as ApiTask;

  it("says why on one line", () => {
    expect(whyOf(failed("a", "1"))).toBe("command-failed, exit code 2: first line");
    expect(whyOf({ ...failed("a", "1"), state: "running" })).toBeUndefined();
  });

  it("is one problem with those of its name", () => {
    const groups = groupFailures([failed("a", "1"), failed("b", "2"), failed("a", "3")]);
    expect(groups.map(({ name, tasks }) => [name, tasks.length])).toEqual([
      ["a", 2],
      ["b", 1],
    ]);
  });
});

describe("the bars of a timeline", () => {
  it("lie one after the other, and none is too small to see", () => {
    const at = (ms: number) => new Date(ms).toISOString();
    const bars = placeBars(
      [
        { name: "image", startedAt: at(0), durationMs: 1 },
        { name: "boot", startedAt: at(1_000), durationMs: 1_000 },
        { name: "run", startedAt: at(2_000) },
      ],
      10_000,
    );
    expect(bars).toEqual([
      { left: 0, width: 1.5 },
      { left: 10, width: 10 },
      { left: 20, width: 80 },
    ]);
  });
});

describe("the report of a network", () => {
  it("is shown as far as it is understood", () => {
    const { policy, entries } = parseNetwork({
      policy: { allow: ["a:1"] },
      entries: [{ kind: "connect", decision: "refused", addresses: ["192.0.2.7"], port: 22 }, null, "odd"],
    });
    expect(policy).toBe('{"allow":["a:1"]}');
    expect(entries.map(({ target, count }) => [target, count])).toEqual([
      ["192.0.2.7:22", 1],
      ["", 1],
      ["", 1],
    ]);
    expect(parseNetwork(undefined).entries).toEqual([]);
  });
});
