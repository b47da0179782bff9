/** What a fleet may answer about images, artifacts, the audit log and machines, made by hand. */
import sharp from "sharp";
import type {
  ApiArtifact,
  ApiAuditEntry,
  ApiImage,
  ApiIssue,
  ApiJob,
  ApiSession,
  ApiTaskDetails,
} from "../../src/generated/api.ts";
import { type Answers, File } from "./view-server.ts";
import { ago, DETAILS, RUNNING_DETAILS, RUNNING_REPORT, SESSION, WORKERS } from "./views.ts";

export const VIEWER: ApiSession = {
  ...SESSION,
  principal: { name: "vera", role: "viewer", via: "session" },
  permissions: ["read"],
};

export const NOBODY: ApiSession = {
  ...SESSION,
  principal: null,
  permissions: [],
  methods: { token: true, oidc: { label: "Log in with Example", path: "/api/v1/session/oidc" } },
};

const DIGESTS = [
  "299eb23e7eba594305abde075c0e9dcc",
  "0b5c11d8f3a7e6429917aa36cd2e5f01",
  "7d1e90aa43b1c5f2e86690d1127c4fb8",
].map((half) => `sha256:${half.repeat(2)}`);

export const IMAGES: ApiImage[] = [
  {
    digest: DIGESTS[0] ?? "",
    tags: ["debian-minimal", "debian-13", "default"],
    sizes: { archiveBytes: 88_213_402, diskBytes: 402_653_184 },
    created: ago(864_000),
    lastUsed: ago(40),
    machine: { version: 2, chipset: "q35", memory: 1_024, graphics: "VGA", network: "virtio-net-pci" },
    archiveKept: false,
    signatures: [],
    provenance: {
      ...{ created: ago(864_000), builder: "boxcar 0.1.0", recipe: "debian-minimal", source: "deb.debian.org" },
      packages: Array.from({ length: 118 }, (_, index) => `package-${index}`),
    },
  },
  {
    digest: DIGESTS[1] ?? "",
    tags: ["windows-drivers"],
    sizes: { archiveBytes: 6_213_402_113, diskBytes: 21_474_836_480 },
    created: ago(86_400 * 40),
    lastUsed: ago(86_400 * 3),
    machine: { version: 2, chipset: "pc", memory: 4_096, graphics: "qxl-vga", network: "e1000" },
  },
];

/** A layer on the first of {@link IMAGES}. */
export const LAYERED: ApiImage = {
  digest: DIGESTS[2] ?? "",
  tags: ["debian-ci", "ci-2026-11"],
  parent: DIGESTS[0] ?? "",
  sizes: {
    archiveBytes: 212_403_112,
    diskBytes: 801_112_064,
    virtualBytes: 17_179_869_184,
    keptArchiveBytes: 212_403_112,
  },
  archiveKept: true,
  signatures: [{ key: "k-8f3a12c09d77" }, { key: "k-release-2026-with-a-long-name-of-its-own" }],
  created: ago(7_200),
  lastUsed: ago(200),
  machine: { version: 2, chipset: "q35", memory: 2_048, graphics: "none", network: "virtio-net-pci" },
  provenance: {
    name: "debian-ci",
    created: ago(9_000),
    builder: "boxcar 0.1.0",
    recipe: "debian-ci",
    agent: "boxcar-agent 046a38e9b831",
    history: [
      { created: ago(9_200), by: "boxcar 0.1.0", what: "installed git, make, build-essential, nodejs, python3" },
      { created: ago(9_060), by: "boxcar 0.1.0", what: "wrote /etc/ci.conf and 3 other files" },
      {
        ...{ created: ago(9_000), by: "boxcar 0.1.0" },
        what: "ran npm config set registry https://packages.example.com/",
      },
    ],
    parent: { digest: DIGESTS[0] ?? "", name: "debian-minimal" },
    sources: [
      { kind: "image", name: "debian-minimal", sha256: "299eb23e7eba594305abde075c0e9dcc".repeat(2) },
      {
        kind: "file",
        url: "https://files.example.com/toolchains/arm64/gcc-14.2.0-linux-x86_64.tar.xz",
        sha256: "5f".repeat(32),
      },
      { kind: "program", name: "boxcar-agent" },
    ],
    packages: [
      ...["git", "make", "gcc-12", "g++-12", "nodejs", "python3.11", "libstdc++-12-dev"],
      ...Array.from({ length: 204 }, (_, index) => `lib-of-many-${index}`),
    ].map((name, index) => ({ name, version: `${1 + (index % 9)}:${index}.4.1-2+deb12u${index % 4}` })),
  },
};

export const SNAPSHOTS = [
  { key: "a1", title: "1024 MiB, 2 CPUs", created: ago(8_000), lastUsed: ago(40), diskBytes: 188_743_680 },
  { key: "b2", title: "8192 MiB, 4 CPUs", boots: "the disk is too full for its memory" },
];

export const JOBS: ApiJob[] = [
  { job: "j1", kind: "pull", state: "running", started: ago(12), progress: "412 MiB of 1.1 GiB, 34 MiB/s" },
  { job: "j0", kind: "warm", state: "done", started: ago(300), image: DIGESTS[0] ?? "" },
  {
    ...{ job: "j-1", kind: "pull", state: "failed", started: ago(900) },
    error: { code: "checksum-mismatch", message: "the archive is not the one that was asked for: its digest differs" },
  },
];

const ACTORS = [
  ["ada", "session", "pauseWorker", "host-2", "ok"],
  ["ci-main", "token", "submitTask", DETAILS.taskId, "ok"],
  ["vera", "session", "stopWorker", "host-1", "refused"],
  ["ada", "ticket", "openShell", `${RUNNING_DETAILS.taskId}/runs/0`, "ok"],
  ["nobody", "none", "login", undefined, "refused"],
  ["ci-main", "token", "pullImage", "https://images.example.com/debian.tar.zst", "failed"],
] as const;

/** @param before As the API has it. */
export function auditEntries({ limit, before }: Record<string, string | undefined>): ApiAuditEntry[] {
  const from = before === undefined ? 0 : Number(before) + 1;
  return Array.from({ length: Math.max(0, Math.min(Number(limit ?? 100), 160 - from)) }, (_, offset) => {
    const index = from + offset;
    const [principal, via, action, target, outcome] = ACTORS[index % ACTORS.length] ?? ACTORS[0];
    return {
      ...{ id: String(index), time: ago(30 + index * 61), principal, via, action, outcome },
      ...(target === undefined ? {} : { target }),
      ...(index % 3 === 0 ? { details: { reason: "the disk is being replaced" } } : {}),
      address: `192.0.2.${(index % 5) + 1}`,
    };
  });
}

const NEVER_RUN = "<script>document.title = 'taken over'</script>";

export const ARTIFACT_FILES: Readonly<Record<string, { type: string; text: string }>> = {
  "public/logs/build.log": { type: "text/plain; charset=utf-8", text: "CC main.c\nCC part.c\nLD program\n".repeat(40) },
  "report.json": { type: "application/json", text: '{"tests":412,"failed":3,"names":["logs in","logs out"]}' },
  "report/index.html": { type: "text/html", text: `<h1>Report</h1><p>3 of 412 failed</p>${NEVER_RUN}` },
  "report/notes.md": { type: "text/markdown", text: "# Notes\n\n* the third one is slow\n" },
};

export const ARTIFACTS: ApiArtifact[] = [
  ...Object.entries(ARTIFACT_FILES).map(([name, { type, text }]) => ({
    ...{ name, contentType: type, sizeBytes: text.length, expires: ago(-864_000), sha256: "5f".repeat(32) },
  })),
  { name: "public/screens/failure.png", contentType: "image/png", sizeBytes: 21_334, expires: ago(-864_000) },
  { name: "out/program.tar.zst", contentType: "application/zstd", sizeBytes: 48_213_002, expires: ago(-864_000) },
  {
    ...{ name: "out/coverage", contentType: "application/octet-stream", expires: ago(-864_000) },
    error: { reason: "file-missing-on-worker", message: "there is no /build/coverage in the machine" },
  },
];

/** As the server checks a document, for what tests make wrong. */
export function checkDefinition(definition: { payload?: { command?: unknown; machine?: { memory?: unknown } } }): {
  issues: ApiIssue[];
} {
  const { command, machine } = definition.payload ?? {};
  const issues: ApiIssue[] = [];
  if (command === undefined) issues.push({ path: "payload", message: "must have either command or steps" });
  if (machine?.memory !== undefined && typeof machine.memory !== "number") {
    issues.push({ path: "payload.machine.memory", message: "must be an integer" });
  }
  return { issues };
}

export const COPIED: ApiTaskDetails = {
  ...DETAILS,
  definition: {
    queue: "default",
    metadata: { name: "browser tests, shard 1 of 8" },
    payload: {
      command: ["bash", "-exc", "npm ci\nnpm test -- --shard=1/8\n"],
      image: "debian-minimal",
      env: { CI: "true", SHARD: "1" },
      machine: { memory: 2_048, cores: 2 },
      artifacts: [{ name: "report", path: "out/report", type: "directory" }],
      network: { allow: ["registry.example.org", "deb.debian.org:80"] },
      maxRunTime: "20 minutes",
    },
  },
};

export const SUBMITTED = RUNNING_DETAILS;

/** What the pages of operators ask for, beside what a fleet has. */
export async function operatorAnswers(): Promise<Answers> {
  const run = `/tasks/${DETAILS.taskId}/runs/1/artifacts`;
  const picture = await sharp({ create: { width: 640, height: 400, channels: 3, background: "#14506b" } })
    .png()
    .toBuffer();
  const [image] = IMAGES;
  return {
    "/workers": WORKERS.map((worker, index) => ({
      ...worker,
      ...(index === 0 ? { url: "https://host-1.example.net:8443/" } : {}),
      status: { ...worker.status, network: "namespace: the kernel has all that it takes", pooled: index },
    })),
    "/images": [...IMAGES, LAYERED],
    [`/images/${LAYERED.digest}`]: { ...LAYERED, snapshots: SNAPSHOTS },
    [`/images/${image?.digest}`]: { ...image, snapshots: SNAPSHOTS },
    "/images/jobs": JOBS,
    "/audit": auditEntries,
    [run]: ARTIFACTS,
    ...Object.fromEntries(
      Object.entries(ARTIFACT_FILES).map(([name, { type, text }]) => [
        `${run}/${name}`,
        new File(type, Buffer.from(text)),
      ]),
    ),
    [`${run}/public/screens/failure.png`]: new File("image/png", picture),
    "POST /tasks/check": (_query: unknown, body: Parameters<typeof checkDefinition>[0]) => checkDefinition(body),
    "POST /tasks": SUBMITTED,
    [`/tasks/${DETAILS.taskId}`]: COPIED,
    [`/tasks/${RUNNING_DETAILS.taskId}/runs/0`]: {
      ...RUNNING_REPORT,
      live: { display: true, shell: true, interactive: true, viewers: 3, shells: 1 },
    },
  };
}
