import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startDaemon } from "../../../src/host/daemon.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bx-daemon-"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

function daemon(script: string, signal: AbortSignal, onReport: (report: unknown) => void) {
  const logFile = join(folder, "log");
  return startDaemon(["sh", "-c", script], { logFile, onReport, signal });
}

it("hands on what it reports, and leaves it alone when it has", async () => {
  const reports: unknown[] = [];
  const wanted = new AbortController();
  const script = `echo said; echo '{"pid": '$$'}' >&3; echo nonsense >&3; exec 3>&-; exec sleep 60`;
  const { pid } = await daemon(script, wanted.signal, (report) => reports.push(report));
  wanted.abort();
  expect(reports).toEqual([{ pid }]);
  expect(process.kill(pid as number, "SIGKILL")).toBe(true);
  expect(await readFile(join(folder, "log"), "utf8")).toBe("said\n");
});

it("is told to end where nobody waits any longer for its start, and waited for until it has heard", async () => {
  const wanted = new AbortController();
  const reports: unknown[] = [];
  const script = `trap 'echo "\\"ends\\"" >&3; exit' TERM; echo '"begins"' >&3; while :; do sleep 0.05; done`;
  const started = daemon(script, wanted.signal, (report) => {
    reports.push(report);
    if (report === "begins") wanted.abort(new Error("nobody waits"));
  });
  await expect(started).rejects.toThrow("nobody waits");
  expect(reports).toEqual(["begins", "ends"]);
});

it("is not started where nobody waits for it before", async () => {
  const reports: unknown[] = [];
  const signal = AbortSignal.abort(new Error("nobody waits"));
  await expect(daemon("echo 1 >&3", signal, (report) => reports.push(report))).rejects.toThrow("nobody waits");
  expect(reports).toEqual([]);
});
