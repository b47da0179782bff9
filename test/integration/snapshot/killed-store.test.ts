/** Processes that save and remove machines are killed at any instant: what is left is whole, and no waste. */
import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, expect, it } from "vitest";
import { SnapshotStore } from "../../../src/snapshot/snapshot-store.ts";
import { makeBase, save } from "./saved-files.ts";

const KILLS = 40;
/** At the same time, in one store: a killed one must not hold up the others. */
const PROCESSES = 2;

const top = mkdtempSync(join(tmpdir(), "bx-ks-"));
afterAll(() => rmSync(top, { recursive: true }));
const directory = join(top, "store");
const disk = join(top, "disk.img");

function open(): Promise<SnapshotStore> {
  return SnapshotStore.open({ directory, images: { pin: async () => {} }, reserveBytes: 0 });
}

async function begin() {
  const script = join(import.meta.dirname, "churning-process.ts");
  // Else most of the test is the same programs being compiled.
  const env = { ...process.env, NODE_COMPILE_CACHE: join(top, "compiled") };
  const child = spawn(process.execPath, [script, directory, disk], { stdio: ["ignore", "pipe", "inherit"], env });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  expect((await lines.next()).value).toBe("begins");
  const kill = async () => {
    const exit = once(child, "exit");
    child.kill("SIGKILL");
    await exit;
  };
  return { lines, kill };
}

it(`leaves whole machines and nothing else, killed at ${KILLS} instants`, { timeout: 180_000 }, async () => {
  const base = await makeBase(disk);
  const found = { staging: 0, machines: 0 };
  const worker = async (index: number) => {
    const first = await begin();
    const roundMs = Number((await first.lines.next()).value);
    await first.kill();
    for (let kill = index; kill < KILLS; kill += PROCESSES) {
      const running = await begin();
      // Its first round, or its second one: the host may be busier than when the round was measured.
      await delay(randomInt(Math.ceil(2 * roundMs * 1_000)) / 1_000);
      await running.kill();
      if (readdirSync(join(directory, "staging")).length > 0) found.staging++;
      const store = await open();
      const entries = await store.list();
      expect(entries.filter(({ kind }) => kind === "damaged")).toEqual([]);
      found.machines += entries.length;
      // Whatever it held, others go on.
      const saved = await save(store, base, { name: `after-${index}` });
      await store.remove(saved.id);
    }
  };
  await Promise.all(Array.from({ length: PROCESSES }, (_, index) => worker(index)));
  const store = await open();
  for (const { id } of await store.list()) await store.remove(id);
  for (const name of ["machines", "staging", "leases"]) expect(readdirSync(join(directory, name)), name).toEqual([]);
  expect((await open()) && readdirSync(join(directory, "locks"))).toEqual([]);
  // Not all of them came too early or too late.
  expect(found.staging).toBeGreaterThan(KILLS / 10);
  expect(found.machines).toBeGreaterThan(0);
});
