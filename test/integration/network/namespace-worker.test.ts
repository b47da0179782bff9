import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, mkdtemp, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ADMINISTRATORS_PATH, runCommand } from "../../../src/host/command.ts";
import { whyNoKernelGuest } from "../../fakes/kernel-guest.ts";
import { buildTapCable } from "../../fakes/tap-cable.ts";

const WORKER = fileURLToPath(new URL("../../fixtures/network/namespace-worker.ts", import.meta.url));
const NOBODY = 65_534;
const FOUND = {
  ...{ isolated: "refused", metadata: true, internet: "accepted", datagram: "echo", isolatedAgain: "refused" },
  ...{ spoofed: 1, refused: 2, left: false },
};

let directory: string;
let cable: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "boxcar-worker-"));
  await chmod(directory, 0o755);
  cable = await buildTapCable(directory);
  await chmod(cable, 0o755);
});

afterAll(() => rm(directory, { recursive: true, force: true }));

/** A folder for one worker. */
async function cacheOf(uid: number): Promise<string> {
  const path = await mkdtemp(join(directory, "cache-"));
  await chown(path, uid, uid);
  return path;
}

async function run(command: readonly string[]): Promise<unknown> {
  const { stdout } = await runCommand([...command] as [string, ...string[]], { timeoutMs: 50_000 });
  return JSON.parse(stdout);
}

/** Of processes that there are. */
async function namespacesOf(pids: readonly number[]): Promise<string[]> {
  const links = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/ns/net`).catch(() => undefined)));
  return links.filter((link) => link !== undefined).map((link) => link.replaceAll(/\D/g, ""));
}

/** Network namespaces of the host that have processes, by their number. */
async function namespaces(): Promise<string[]> {
  const { stdout } = await runCommand(["lsns", "--type", "net", "--noheadings", "--output", "NS"]);
  return stdout.split("\n").map((line) => line.trim());
}

describe.skipIf(whyNoKernelGuest() !== undefined)("a worker whose machines have network namespaces", () => {
  it("has them as root, whatever is done to the rules of its host", async () => {
    // A namespace of the test's own plays the host.
    const worker = [process.execPath, WORKER, "try", await cacheOf(0), cable];
    const found = await run(["unshare", "--net", "--", ...worker]);
    expect(found).toEqual({ ...FOUND, flushed: true, userNamespace: false });
  });

  it("has them without privileges, where anybody may open /dev/net/tun", async () => {
    const worker = [process.execPath, WORKER, "try", await cacheOf(NOBODY), cable];
    const device = "mount -t tmpfs tmpfs /dev/net && mknod -m 666 /dev/net/tun c 10 200";
    const user = `exec setpriv --reuid ${NOBODY} --regid ${NOBODY} --clear-groups -- "$@"`;
    const found = await run(["unshare", "--mount", "--", "sh", "-c", `${device} && ${user}`, "sh", ...worker]);
    expect(found).toEqual({ ...FOUND, userNamespace: true });
  });

  it("leaves nothing when it is killed", async () => {
    const before = await hostState();
    const worker = spawn(process.execPath, [WORKER, "hold", await cacheOf(0), "3"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    try {
      const [line] = (await once(worker.stdout as Readable, "data")) as [Buffer];
      const pids = JSON.parse(String(line)) as number[];
      expect(pids).toHaveLength(6);
      // Three that keep a namespace each, and three programs that have entered them.
      const numbers = await vi.waitFor(async () => {
        const found = await namespacesOf(pids);
        expect(new Set(found).size).toBe(3);
        return found;
      }, 10_000);
      expect(await namespaces()).toEqual(expect.arrayContaining(numbers));
      expect(await hostState()).toBe(before);
      worker.kill("SIGKILL");
      await vi.waitFor(async () => expect(await namespacesOf(pids)).toEqual([]), 10_000);
      expect(await hostState()).toBe(before);
    } finally {
      worker.kill("SIGKILL");
    }
  });
});

async function hostState(): Promise<string> {
  const script = "ip -o link; ip rule; ip netns; nft list ruleset";
  const { stdout } = await runCommand(["sh", "-c", script], { env: { PATH: ADMINISTRATORS_PATH } });
  return stdout;
}
