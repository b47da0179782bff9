/** What a worker may answer about machines that stay, made by hand. */
import type { ApiRunReport, ApiSession, ApiVm } from "../../src/generated/api.ts";
import { drawScreen } from "./fleet.ts";
import type { Answers } from "./view-server.ts";
import { ago, DETAILS, REPORT, SESSION } from "./views.ts";

const DIGEST = `sha256:${"299eb23e7eba594305abde075c0e9dcc".repeat(2)}`;

export const DEV: ApiVm = {
  ...{ id: "c2ed88810327", name: "dev", worker: "host-1", state: "running" },
  image: { digest: DIGEST, reference: "debian-minimal" },
  ...{ machine: "q35, 2 CPUs, 1024 MiB", memoryMiB: 1_024, cpus: 2, accelerator: "kvm", network: "internet" },
  ports: [
    { host: "127.0.0.1", hostPort: 8_080, guestPort: 80 },
    { host: "127.0.0.1", hostPort: 40_222, guestPort: 22 },
  ],
  ...{ display: true, shell: true, created: ago(90_000), changed: ago(4_000), started: ago(4_000), starts: 3 },
};

export const RESUMED: ApiVm = {
  ...DEV,
  ...{
    id: "81f00aa3b97c",
    state: "running",
    ports: [],
    created: ago(60),
    changed: ago(58),
    started: ago(58),
    starts: 1,
  },
  name: "browser-tests-shard-1-of-8-failed",
  from: { snapshot: "5d2f0c4c11ab", task: { taskId: DETAILS.taskId, runId: 1, reason: "exit code 1" } },
};

const ALL: readonly ApiVm[] = [
  DEV,
  { ...DEV, id: "0f31c7720bd4", name: "windows-sandbox", state: "paused", ports: [], changed: ago(700) },
  RESUMED,
  {
    ...{ ...DEV, id: "77ab12e09cf0", state: "stopped", ports: [], display: false, reason: "it was stopped" },
    ...{ image: { digest: DIGEST, reference: "debian-ci" }, changed: ago(86_400 * 2) },
    from: { snapshot: "9c1e55d0aa42", vm: { id: DEV.id, name: "dev" } },
  },
  {
    ...{ ...DEV, id: "e0d1c2b3a495", name: "too-large", state: "error", ports: [], memoryMiB: 65_536, cpus: 16 },
    ...{ starts: 0, changed: ago(30), reason: "it did not start: QEMU has no room for 65536 MiB of memory" },
  },
];

/** As in a list, where no agent is asked. */
export const VMS: readonly ApiVm[] = ALL.map(({ shell: _unasked, accelerator, ...vm }) =>
  vm.state === "running" && accelerator !== undefined ? { ...vm, accelerator } : vm,
);

/** Of who may not use machines, but submitted the task that one goes on from. */
export const SUBMITTER: ApiSession = {
  ...SESSION,
  principal: { name: "ada", role: "submitter", via: "session" },
  permissions: ["read", "submit"],
};

export const SAVED_REPORT: ApiRunReport = {
  ...REPORT,
  ...{ saved: { snapshot: "5d2f0c4c11ab", reason: "exit code 1", expires: ago(-5_400), bytes: 412_000_000 } },
  checkpoints: [
    { name: "built", snapshot: "aa11bb22cc33", bytes: 318_767_104, stillMs: 240, expires: ago(-7_000) },
    { name: "tests-begin", snapshot: "dd44ee55ff66", bytes: 96_468_992, stillMs: 180, expires: ago(-7_100) },
  ],
};

/** What the pages of machines ask for, beside what a fleet has. */
export async function machineAnswers(): Promise<Answers> {
  const screens = await Promise.all(VMS.map((_, index) => drawScreen(index)));
  return {
    "/vms": VMS,
    ...Object.fromEntries(VMS.map((vm) => [`/vms/${vm.id}`, vm.state === "running" ? { ...vm, shell: true } : vm])),
    ...Object.fromEntries(VMS.map(({ id }, index) => [`/vms/${id}/screen`, screens[index]])),
    ...Object.fromEntries(
      VMS.map(({ id }) => [`POST /vms/${id}/links`, { ticket: "t", path: "/link", expires: ago(-60) }]),
    ),
    [`POST /tasks/${DETAILS.taskId}/runs/1/resume`]: RESUMED,
    [`/tasks/${DETAILS.taskId}/runs/1`]: SAVED_REPORT,
  };
}
