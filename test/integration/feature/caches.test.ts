import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DirectoryStore } from "../../../src/artifact/directory-store.ts";
import { CacheStore } from "../../../src/cache/cache-store.ts";
import { resolveConfig } from "../../../src/config/config.ts";
import { RunArtifacts } from "../../../src/feature/artifacts/run-artifacts.ts";
import { ActiveCaches } from "../../../src/feature/caches/active-caches.ts";
import { parsePayload } from "../../../src/feature/payload.ts";
import { FileServer } from "./inputs/file-server.ts";

const SIZE_MIB = 16;
const host = { memoryMiB: 65_536, cpus: 8 };

let directory: string;
let store: CacheStore;
let notes: string[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "boxcar-task-caches-"));
  store = await CacheStore.open({ directory: join(directory, "caches") });
  notes = [];
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

/** @param allow Addresses that tasks may fetch from. */
function cachesOf(caches: readonly object[], { onExitStatus = {}, allow = [] as string[] } = {}): ActiveCaches {
  const sections = { stateDir: directory, features: { inputs: { allow } } };
  const config = resolveConfig(sections, { env: {}, uid: 0, home: directory, host });
  const payload = parsePayload(
    { command: ["true"], caches: caches.map((cache) => ({ sizeMiB: SIZE_MIB, ...cache })), onExitStatus },
    { subject: "The payload", blame: "task", features: config.features },
  );
  return new ActiveCaches({
    ...{ taskId: "a-task", runId: 0, payload, config, directory, stateParent: join(directory, "machines") },
    artifacts: new RunArtifacts(new DirectoryStore(directory)),
    note: (text) => void notes.push(text),
    mask: (text) => text,
    onNetwork: () => {},
    onScreens: () => {},
    signal: new AbortController().signal,
  });
}

const named = (name: string) => ({ name, path: `/caches/${name}` });

describe("the caches of a run", () => {
  it("are given back also where nobody waited until they were there", async () => {
    const active = cachesOf([named("a")]);
    const prepared = active.prepare();
    await active[Symbol.asyncDispose]();
    await prepared;
    const options = { mode: "exclusive", sizeBytes: SIZE_MIB * 1_048_576, maxWaitMs: 1 } as const;
    await using lease = await store.acquire("a", options);
    expect(lease.name).toBe("a");
  });

  it("are all thrown away, also where somebody has thrown away one of them meanwhile", async () => {
    await using active = cachesOf([named("a"), named("b")], { onExitStatus: { purgeCaches: [75] } });
    await active.prepare();
    await store.purge("a");
    await active.finish({ state: "failed", exitCode: 75 });
    expect(await store.list()).toEqual([]);
  });

  it("say where they are preloaded from, and not what else is in the address", async () => {
    await using server = await FileServer.start({ "/archive.tar?token=secret": "no archive" });
    const sha256 = createHash("sha256").update("no archive").digest("hex");
    const url = server.url("/archive.tar?token=secret");
    await using active = cachesOf([{ ...named("a"), preload: { url, sha256 } }], { allow: [server.url("/")] });
    await expect(active.prepare()).rejects.toThrow();
    expect(notes.join("\n")).toContain(`downloading ${server.url("/archive.tar")}`);
    expect(notes.join("\n")).not.toContain("secret");
  });
});
