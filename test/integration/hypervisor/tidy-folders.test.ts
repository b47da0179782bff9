import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { VmRecord } from "../../../src/generated/vm-record.ts";
import { VmIndex } from "../../../src/hypervisor/index-store.ts";
import { tidyFolders } from "../../../src/hypervisor/qemu/tidy-folders.ts";
import { advanceRecord } from "../../../src/hypervisor/states.ts";
import { draftRecord } from "../../unit/hypervisor/records.ts";

const OWN = ["data-a.raw", "disk.0.qcow2", "record.json", "supervisor.log"];
const MEMORY = ["memory", "state"];
const STAGED = ["restored", "restored.part"];

let directory: string;
let index: VmIndex;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "boxcar-tidy-"));
  index = await VmIndex.open(directory);
});

afterEach(() => rm(directory, { recursive: true }));

/** A machine whose supervisor, or a command that was at it, has left all that it can leave. */
async function make(goesOn?: VmRecord["goesOn"]): Promise<string> {
  const draft = (id: string) => ({ ...draftRecord({ id, state: "creating" }), ...(goesOn && { goesOn }) });
  await using lock = await index.create(draft);
  await lock.write(advanceRecord(lock.record, "made", { now: new Date() }));
  const folder = index.folderOf(lock.record.id);
  for (const name of [...OWN, ...MEMORY]) if (name !== "record.json") await writeFile(join(folder, name), "");
  for (const name of STAGED) await mkdir(join(folder, name));
  return lock.record.id;
}

const filesOf = async (id: string) => (await readdir(index.folderOf(id))).sort();

it("removes the memory of a machine that boots next, and what nobody goes back to", async () => {
  const [boots, goesOn, goesBack] = [
    await make(),
    await make({ cdroms: [] }),
    await make({ cdroms: [], staged: true }),
  ];
  await tidyFolders(index);
  expect(await filesOf(boots)).toEqual(OWN);
  expect(await filesOf(goesOn)).toEqual([...OWN, ...MEMORY].sort());
  expect(await filesOf(goesBack)).toEqual([...OWN, ...MEMORY, "restored"].sort());
});

it("leaves alone what somebody is at", async () => {
  const id = await make();
  await using _lock = await index.lock(id);
  await tidyFolders(index);
  expect(await filesOf(id)).toEqual([...OWN, ...MEMORY, ...STAGED].sort());
});
