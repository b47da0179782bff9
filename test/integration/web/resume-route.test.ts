/** The machine of a failed run over the API: who may have it, and what comes of it. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Role } from "../../../src/access/role.ts";
import { Scope } from "../../../src/base/scope.ts";
import type { VmRecord } from "../../../src/generated/vm-record.ts";
import type { CloneOptions } from "../../../src/hypervisor/direct.ts";
import type { TaskQueue } from "../../../src/queue/task-queue.ts";
import type { SavedMachine } from "../../../src/snapshot/saved-machine.ts";
import { createApp } from "../../../src/web/api/app.ts";
import { resumeRoute } from "../../../src/web/runs/resume-route.ts";
import { HttpService } from "../../../src/web/server/service.ts";

const KEPT = {
  ...{ kind: "machine", id: "5d2f0c4c11ab", directory: "/kept", diskBytes: 1, created: new Date(), expires: undefined },
  record: { kind: "failed", source: { task: { taskId: "failed-task", runId: 0, reason: "exit code 1" } } },
} as unknown as SavedMachine;
const RECORD = {
  ...{ version: 1, id: "c2ed88810327", backend: "qemu", state: "running", starts: 1, forwards: [], disks: [] },
  ...{ created: "2026-11-22T10:00:00Z", changed: "2026-11-22T10:00:00Z", network: "isolated", machine: { version: 2 } },
  image: { digest: `sha256:${"0".repeat(64)}`, reference: "debian-minimal" },
  from: { snapshot: KEPT.id, ...KEPT.record.source },
} as unknown as VmRecord;

const scope = new Scope();
let port: number;
let leases: number;
let there: VmRecord[];
let made: { saved: SavedMachine; name: string | undefined; leases: number }[];

beforeAll(async () => {
  const show = async (task: string) => ({ taskId: task, submitter: "sue", runs: [{ runId: 0, state: "failed" }] });
  const route = resumeRoute({
    queue: { show } as unknown as TaskQueue,
    snapshots: {
      list: async () => [KEPT],
      acquire: async () => {
        leases++;
        return { saved: KEPT, [Symbol.asyncDispose]: async () => void leases-- };
      },
    },
    hypervisor: async () => ({
      backend: "qemu",
      cloneFrom: async (saved: SavedMachine, { name, admit }: CloneOptions) => {
        admit?.(there);
        made.push({ saved, name, leases });
        return RECORD;
      },
    }),
    workerId: "worker-1",
    ...{ roles: ["submitter", "operator"], maxResumed: 2 },
  });
  const authenticate = async ({ headers }: { headers: Record<string, unknown> }) => {
    const [name = "", role] = String(headers["x-user"]).split(":");
    return { name, role: role as Role, via: "token" as const };
  };
  const app = createApp({ routes: [route], authenticate });
  const service = scope.use(await HttpService.listen({ host: "127.0.0.1", port: 0 }, app));
  port = service.port ?? 0;
});

beforeEach(() => {
  leases = 0;
  there = [];
  made = [];
});

afterAll(() => scope[Symbol.asyncDispose]());

async function resume(user: string, task = "failed-task", body: object = {}) {
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/tasks/${task}/runs/latest/resume`, {
    ...{ method: "POST", body: JSON.stringify(body) },
    headers: { "content-type": "application/json", "x-user": user },
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe("the machine of a run that failed", () => {
  it("is brought up for an operator, and for who submitted the task, and not removed meanwhile", async () => {
    const answer = await resume("olga:operator", "failed-task", { name: "look" });
    expect(answer).toMatchObject({ status: 201, body: { id: RECORD.id, worker: "worker-1", state: "running" } });
    expect(answer.body["from"]).toEqual({ snapshot: KEPT.id, ...KEPT.record.source });
    expect(made).toEqual([{ saved: KEPT, name: "look", leases: 1 }]);
    expect(leases).toBe(0);
    expect((await resume("sue:submitter")).status).toBe(201);
    expect(made.at(-1)?.name).toBeUndefined();
  });

  it.each([
    ["eve:submitter", "only tasks of his own"],
    ["ada:admin", "features.onFailure.roles"],
    ["sue:viewer", "features.onFailure.roles"],
  ])("is not for %s", async (user, why) => {
    expect(await resume(user)).toMatchObject({
      status: 403,
      body: { code: "forbidden", message: expect.stringContaining(why) },
    });
    expect(made).toEqual([]);
  });

  it("is brought up as often as the host allows it: copies of all tasks count, and no other machines", async () => {
    const { from: _from, ...own } = RECORD;
    const checkpoint = { ...RECORD, from: { snapshot: KEPT.id, task: { taskId: "t", runId: 0, checkpoint: "built" } } };
    const other = {
      ...RECORD,
      state: "stopped" as const,
      from: { snapshot: KEPT.id, task: { taskId: "t", runId: 0 } },
    };
    there = [own, own, checkpoint, checkpoint, other];
    expect((await resume("sue:submitter")).status).toBe(201);
    there.push(RECORD);
    const message = expect.stringMatching(/at most 2 .*features\.onFailure\.maxResumed .* there are 2; remove one/);
    expect(await resume("sue:submitter")).toMatchObject({ status: 409, body: { code: "vm-limits", message } });
    expect([made.length, leases]).toEqual([1, 0]);
  });

  it("is not there where nothing was kept, and has a name that machines can have", async () => {
    expect(await resume("olga:operator", "another-task")).toMatchObject({
      status: 404,
      body: { code: "snapshot-not-found" },
    });
    expect((await resume("olga:operator", "failed-task", { name: "../x" })).status).toBe(400);
    expect(made).toEqual([]);
  });
});
