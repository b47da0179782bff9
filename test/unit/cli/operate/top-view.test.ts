import { describe, expect, it } from "vitest";
import { type Overview, topView } from "../../../../src/cli/operate/top-view.ts";

const NOW = new Date("2026-11-21T12:00:00Z");
const WIDE = { columns: 200, rows: 100 };

const OVERVIEW: Overview = {
  queue: {
    description: "PostgreSQL",
    queues: [{ name: "default", unscheduled: 1, pending: 12, running: 1 }],
    oldestPending: "2026-11-21T11:57:00Z",
  },
  workers: [
    {
      ...{ workerId: "host-1", self: true, queue: "default", seenAt: "2026-11-21T11:59:58Z" },
      status: {
        ...{ state: "paused", why: "new disk", queue: "PostgreSQL", startedAt: "2026-11-21T11:00:00Z", capacity: 4 },
        running: [],
        finished: { total: 0, byEnd: {} },
      },
    },
  ],
  machines: [
    {
      ...{ taskId: "pX3kPq0aTb-1cXw2Yv9ZzA", runId: 0, name: "unit tests", workerId: "host-1", phase: "run" },
      ...{ memoryMiB: 256, since: "2026-11-21T11:58:30Z", display: true, shell: true },
    },
  ],
};

describe("boxcar top", () => {
  it("shows what waits, who works and what runs", () => {
    expect(topView(OVERVIEW, NOW, WIDE)).toBe(
      [
        "1 worker, 1 of 4 machines in use",
        "queue default: 12 pending, 1 running, 1 wait for others; the oldest waits for 3 min",
        "",
        "WORKER  STATE   RUNS  QUEUE    SEEN  WHY",
        "host-1  paused  0/4   default  2 s   new disk",
        "",
        "TASK                    RUN  WORKER  PHASE  FOR         MEMORY   NAME",
        "pX3kPq0aTb-1cXw2Yv9ZzA  0    host-1  run    1 min 30 s  256 MiB  unit tests",
      ].join("\n"),
    );
  });

  it("keeps to the size of the terminal, and says what is left out", () => {
    const lines = topView(OVERVIEW, NOW, { columns: 20, rows: 4 }).split("\n");
    expect(lines).toEqual(["1 worker, 1 of 4 ma…", "queue default: 12 p…", "", "… 5 more"]);
  });

  it("does not count on a worker that is silent", () => {
    const [worker] = OVERVIEW.workers;
    const silent = { ...worker, workerId: "host-2", alive: false, seenAt: "2026-11-21T11:58:00Z" } as typeof worker;
    const text = topView({ ...OVERVIEW, workers: [...OVERVIEW.workers, ...(silent ? [silent] : [])] }, NOW, WIDE);
    expect(text).toContain("1 worker, 1 silent, 1 of 4 machines in use");
    expect(text).toMatch(/^host-2 +silent +0\/4 +default +2 min +not heard of any more$/m);
  });

  it("shows no control characters of names", () => {
    const machines = OVERVIEW.machines.map((machine) => ({ ...machine, name: "a\u001b[2Jb\u202ec" }));
    expect(topView({ ...OVERVIEW, machines }, NOW, WIDE)).toMatch(/ {2}a\?\[2Jb\?c$/);
  });

  it("says so where there is nothing", () => {
    const text = topView({ workers: [], machines: [] }, NOW, WIDE);
    expect(text).toContain('no worker; "boxcar worker" starts one');
    expect(text).toContain("no machine runs");
  });
});
