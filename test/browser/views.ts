/** What a fleet of some workers may answer, made by hand: for tests of what pages look like. */
import type {
  ApiArtifact,
  ApiMachine,
  ApiQueue,
  ApiRunReport,
  ApiSession,
  ApiTask,
  ApiTaskDetails,
  ApiWorker,
} from "../../src/generated/api.ts";

/** Of all views. */
export const NOW = Date.now();

export function ago(seconds: number): string {
  return new Date(NOW - seconds * 1_000).toISOString();
}

export const SESSION: ApiSession = {
  principal: { name: "ada", role: "admin", via: "session" },
  permissions: ["read", "submit", "control", "operate", "administer"],
  csrf: "the value of the header",
  accessEnabled: true,
  methods: { token: true },
  version: "0.1.0",
  workerId: "host-1",
};

type TaskFacts = Partial<ApiTask> & { run?: Partial<ApiTask["runs"][number]> };

export function makeTask(number: number, { run, ...facts }: TaskFacts = {}): ApiTask {
  const state = facts.state ?? "completed";
  const isOver = state === "completed" || state === "failed" || state === "exception";
  return {
    taskId: `T${String(number).padStart(3, "0")}f3kPq0aTb-1cXw2Yv9`.slice(0, 22).padEnd(22, "Z"),
    queue: "default",
    state,
    priority: "medium",
    name: `task ${number}`,
    submitter: "ada",
    created: ago(600 + number),
    deadline: ago(-86_400),
    expires: ago(-864_000),
    retriesLeft: 5,
    dependencies: [],
    runs:
      state === "unscheduled"
        ? []
        : [
            {
              runId: 0,
              state,
              reasonCreated: "scheduled",
              workerId: "host-1",
              scheduled: ago(600 + number),
              ...(state === "pending" ? {} : { started: ago(580 + number) }),
              ...(isOver ? { resolved: ago(400 + number) } : {}),
              ...run,
            },
          ],
    ...facts,
  };
}

const NAMES = [
  "linux-build (release)",
  "autopkgtest of a package",
  "kernel 6.1 boot matrix",
  "browser tests, shard 3 of 8",
  "nightly fuzzing of the image reader",
];

export const RUNNING = NAMES.slice(0, 4).map((name, index) =>
  makeTask(index, { name, state: "running", run: { started: ago(40 + index * 97) } }),
);

export const FAILED = [
  makeTask(10, {
    name: "browser tests, shard 1 of 8",
    state: "failed",
    run: { reason: "command-failed", exitCode: 1, message: "3 of 412 tests failed" },
  }),
  makeTask(11, {
    name: "browser tests, shard 1 of 8",
    state: "failed",
    run: { reason: "command-failed", exitCode: 1 },
  }),
  makeTask(12, {
    name: "browser tests, shard 1 of 8",
    state: "failed",
    run: { reason: "command-failed", exitCode: 1 },
  }),
  makeTask(13, {
    name: "windows-driver",
    state: "exception",
    run: { reason: "internal-error", message: "the disk of the machines is full; free some space" },
  }),
  makeTask(14, {
    name: "memory-hog",
    state: "failed",
    run: {
      reason: "out-of-memory",
      exitCode: 137,
      message: "the kernel of the machine killed cc1plus: 2048 MiB were not enough",
    },
  }),
];

export const TASKS = [
  makeTask(30, { name: "deploy to staging", state: "unscheduled" }),
  makeTask(31, { name: "documentation", state: "pending", queue: "slow" }),
  ...RUNNING,
  ...FAILED,
  ...Array.from({ length: 45 }, (_, index) =>
    makeTask(40 + index, { name: `${NAMES[index % NAMES.length]} #${1_000 - index}` }),
  ),
];

export const QUEUE: ApiQueue = {
  description: "PostgreSQL, schema boxcar",
  queues: [
    { name: "default", unscheduled: 1, pending: 12, running: 4 },
    { name: "slow", unscheduled: 0, pending: 1, running: 0 },
  ],
  oldestPending: ago(190),
};

export const EMPTY_QUEUE: ApiQueue = {
  description: "on this host",
  queues: [{ name: "default", unscheduled: 0, pending: 0, running: 0 }],
};

export const MACHINES = RUNNING.map(
  (task, index): ApiMachine => ({
    taskId: task.taskId,
    runId: 0,
    name: task.name ?? "",
    workerId: index < 3 ? "host-1" : "host-2",
    phase: ["run", "run", "boot", "collect"][index] ?? "run",
    machine: "q35, 2 CPUs, 2048 MiB",
    memoryMiB: 2_048,
    since: ago(40 + index * 97),
    display: index !== 2,
    shell: true,
  }),
);

function makeWorker(workerId: string, facts: Partial<ApiWorker["status"]>): ApiWorker {
  return {
    workerId,
    self: workerId === "host-1",
    queue: "default",
    seenAt: ago(1),
    version: "0.1.0",
    status: {
      state: "claiming",
      queue: QUEUE.description,
      startedAt: ago(86_000),
      capacity: 4,
      running: [],
      finished: { total: 320, byEnd: { completed: 300, failed: 20 } },
      ...facts,
    },
  };
}

const runningOn = (workerId: string) => MACHINES.filter((machine) => machine.workerId === workerId);

export const WORKERS = [
  makeWorker("host-1", { state: "claiming", running: runningOn("host-1") }),
  makeWorker("host-2", { state: "draining", running: runningOn("host-2"), why: "an operator drains it" }),
  makeWorker("host-3", {
    state: "waiting",
    why: "3.1 GiB are free on the disk of the machines, and 10.0 GiB are to stay free",
  }),
];

export const DETAILS: ApiTaskDetails = {
  ...makeTask(10, { name: "browser tests, shard 1 of 8" }),
  state: "failed",
  why: "The command ended with exit code 2 in the step “test”; 3 of 412 tests failed.",
  runs: [
    {
      runId: 0,
      state: "exception",
      reasonCreated: "scheduled",
      reason: "worker-shutdown",
      workerId: "host-2",
      scheduled: ago(900),
      started: ago(880),
      resolved: ago(800),
    },
    {
      runId: 1,
      state: "failed",
      reasonCreated: "retry",
      reason: "command-failed",
      exitCode: 2,
      workerId: "host-1",
      scheduled: ago(800),
      started: ago(790),
      resolved: ago(580),
    },
  ],
  definition: {
    queue: "default",
    payload: { command: ["make", "test"], image: "debian-minimal", maxRunTime: "20 minutes" },
  },
  waitsFor: [],
};

export const REPORT: ApiRunReport = {
  taskId: DETAILS.taskId,
  runId: 1,
  state: "failed",
  workerId: "host-1",
  reason: "command-failed",
  exitCode: 2,
  phases: [
    { name: "image", startedAt: ago(790), durationMs: 210 },
    { name: "start", startedAt: ago(789.7), durationMs: 640 },
    { name: "boot", startedAt: ago(789), durationMs: 912 },
    { name: "furnish", startedAt: ago(788), durationMs: 4_100 },
    { name: "run", startedAt: ago(784), durationMs: 187_000 },
    { name: "collect", startedAt: ago(597), durationMs: 9_300 },
    { name: "release", startedAt: ago(587), durationMs: 120 },
  ],
  steps: [
    { name: "configure", durationMs: 12_000, exitCode: 0 },
    { name: "build", durationMs: 121_000, exitCode: 0 },
    { name: "test", durationMs: 54_000, exitCode: 2 },
    { name: "publish", skipped: true },
  ],
  image: { digest: `sha256:${"299eb23e7eba594305abde075c0e9dcc".repeat(2)}` },
  machine: "q35, 2 CPUs, 2048 MiB",
  accelerator: "kvm",
  start: "resumed",
};

export const RUNNING_DETAILS: ApiTaskDetails = {
  ...makeTask(0, { name: NAMES[0] ?? "", state: "running", run: { started: ago(65) } }),
  definition: DETAILS.definition,
  waitsFor: [],
};

export const RUNNING_REPORT: ApiRunReport = {
  ...REPORT,
  taskId: RUNNING_DETAILS.taskId,
  runId: 0,
  state: "running",
  phases: [
    { name: "image", startedAt: ago(65), durationMs: 210 },
    { name: "start", startedAt: ago(64.7), durationMs: 640 },
    { name: "boot", startedAt: ago(64), durationMs: 912 },
    { name: "run", startedAt: ago(63) },
  ],
  steps: [{ name: "configure", durationMs: 12_000, exitCode: 0 }, { name: "build" }],
  live: { display: true, shell: true, interactive: true, viewers: 1, shells: 0 },
};

export const ARTIFACTS: ApiArtifact[] = [
  { name: "public/logs/task.log", contentType: "text/plain; charset=utf-8", sizeBytes: 48_213, expires: ago(-864_000) },
  { name: "public/report.json", contentType: "application/json", sizeBytes: 812, expires: ago(-864_000) },
];

export const NETWORK = {
  live: false,
  policy: { allow: ["deb.debian.org:443"] },
  mode: "user",
  counts: {},
  entries: [
    { time: ago(700), kind: "dns", decision: "allowed", name: "deb.debian.org", reason: "A NOERROR", count: 2 },
    {
      time: ago(699),
      kind: "connect",
      decision: "allowed",
      name: "deb.debian.org",
      port: 443,
      bytesOut: 2_311,
      bytesIn: 8_812_331,
      durationMs: 4_200,
    },
    {
      time: ago(690),
      kind: "connect",
      decision: "refused",
      addresses: ["192.0.2.7"],
      port: 22,
      reason: "192.0.2.7 is not public",
    },
  ],
};

/** A log with colours, a progress bar and a failure. */
export const LOG = [
  "[boxcar 12:00:03.120] task T010f3kPq0aTb-1cXw2Yv9, run 1, on the worker host-1",
  "[boxcar 12:00:03.121] machine: q35, 2 CPUs, 2048 MiB, kvm",
  "[boxcar 12:00:04.031] the guest is up; running make test",
  "\u001b[1;34m==>\u001b[0m \u001b[1mconfigure\u001b[0m",
  "checking for a compiler… \u001b[32myes\u001b[0m",
  " 10 %\r 55 %\r100 % done",
  ...Array.from(
    { length: 60 },
    (_, index) => `\u001b[2m[${String(index + 1).padStart(2)}/60]\u001b[22m \u001b[36mCC\u001b[39m src/part-${index}.o`,
  ),
  "\u001b[33mwarning:\u001b[0m \u001b[3munused variable\u001b[0m \u001b[4mcount\u001b[0m in src/part-12.c:118",
  "\u001b[38;5;208mpart 208 of the palette\u001b[0m and \u001b[38;2;120;200;255mtrue colour\u001b[0m, \u001b[7minverse\u001b[27m, \u001b[41;97m on red \u001b[0m",
  "<b>not markup</b> <script>alert(1)</script> &amp;",
  "\u001b[31;1mFAIL\u001b[0m test/login.test.ts > says who may not log in",
  "  AssertionError: expected 403 to be 401",
  "    at test/login.test.ts:42:18",
  "Tests: \u001b[31m3 failed\u001b[0m, \u001b[32m409 passed\u001b[0m, 412 total",
  "make: *** [Makefile:12: test] Error 2",
  "[boxcar 12:03:11.700] step test ended with exit code 2 after 54 s",
  "[boxcar 12:03:11.702] failed (command-failed, exit code 2)",
  "[boxcar 12:03:11.702] run      3 min 7 s",
  "",
].join("\n");
