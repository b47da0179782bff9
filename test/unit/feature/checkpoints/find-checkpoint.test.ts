import { describe, expect, it } from "vitest";
import { findCheckpoint } from "../../../../src/feature/checkpoints/find-checkpoint.ts";
import { saved } from "../../snapshot/saved.ts";

const NOW = new Date("2026-11-21T12:00:00Z");
const WANTED = { taskId: "t", checkpoint: "built" };

interface Made {
  taskId?: string;
  checkpoint?: string;
  expires?: Date;
  imported?: boolean;
}

/** Made by run number `hour`. */
function made(id: string, hour: number, more: Made = {}) {
  const { taskId = "t", checkpoint = "built", expires, ...rest } = more;
  const source = { task: { taskId, runId: hour, checkpoint } };
  return saved(id, { hour, kind: "checkpoint", source, ...rest, ...(expires === undefined ? {} : { expires }) });
}

describe("the checkpoint a task starts from", () => {
  const all = [
    made("a", 1),
    made("b", 3),
    made("c", 4, { checkpoint: "other" }),
    made("d", 5, { taskId: "u" }),
    saved("e", { hour: 6, kind: "failed", source: { task: { taskId: "t", runId: 6, checkpoint: "built" } } }),
  ];

  it("is the newest of that task and name, or that of one run", () => {
    expect(findCheckpoint(all, WANTED, NOW)?.id).toBe("b");
    expect(findCheckpoint(all, { ...WANTED, runId: 1 }, NOW)?.id).toBe("a");
    expect(findCheckpoint(all, { ...WANTED, runId: 2 }, NOW)).toBeUndefined();
    expect(findCheckpoint(all, { ...WANTED, taskId: "v" }, NOW)).toBeUndefined();
  });

  it("is an older one where a newer one has expired", () => {
    const expired = made("f", 7, { expires: new Date("2026-11-21T11:00:00Z") });
    expect(findCheckpoint([expired, ...all], WANTED, NOW)?.id).toBe("b");
    expect(findCheckpoint([expired], WANTED, NOW)).toBeUndefined();
  });

  it("is none that somebody has brought as an archive", () => {
    expect(findCheckpoint([made("g", 8, { imported: true }), ...all], WANTED, NOW)?.id).toBe("b");
  });
});
