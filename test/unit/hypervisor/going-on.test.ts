import { describe, expect, it } from "vitest";
import { namesOfClones } from "../../../src/hypervisor/clone-machine.ts";
import { moveOf } from "../../../src/hypervisor/going-on.ts";
import { buildClone } from "../../../src/hypervisor/spec.ts";
import { saved } from "../snapshot/saved.ts";

const ID = "ba9876543210";
const facts = {
  ...{ id: "0123456789ab", backend: "qemu", runParent: "/run/v", folder: "/vms/0123456789ab" },
  now: new Date("2026-11-22T01:00:00Z"),
};

describe("the record of a machine that goes on from a saved one", () => {
  it("is one of its own, on the hardware, the network and the disks that were saved", () => {
    const was = saved(ID, {
      network: "internet",
      diskSlots: 2,
      dataDisks: [{ slot: 1, format: "raw", sizeBytes: 4_194_304, name: "data", mount: "/data" }],
      cdroms: [{ drive: "board" }, { drive: "board", once: true }],
      guest: { logOffset: 7 },
    });
    const record = buildClone(was, { name: "try" }, facts);
    expect(record).toMatchObject({
      ...{ id: facts.id, name: "try", state: "creating", starts: 0, network: "internet", forwards: [], diskSlots: 2 },
      machine: was.record.machine,
      identity: { hostname: "try", machineId: expect.stringMatching(/^[0-9a-f]{32}$/) },
      disks: [{ name: "data", slot: 1, sizeBytes: 4_194_304, mount: "/data" }],
      from: { snapshot: ID, vm: { id: "0123456789ab" } },
      goesOn: { cdroms: ["board", "board"], logOffset: 7 },
    });
    // The CD of cloud-init is there until it boots again.
    expect(record.cdroms).toEqual(["/vms/0123456789ab/cd.0.iso"]);
    expect(buildClone(was, {}, facts).identity.machineId).not.toBe(record.identity.machineId);
    expect(buildClone(was, { network: "isolated" }, facts).network).toBe("isolated");
  });

  it("knows the task whose machine it was, and has its command go on", () => {
    const task = { taskId: "a-task", runId: 1, checkpoint: "built" };
    const was = saved(ID, {
      ...{ kind: "checkpoint", source: { task }, guest: { logOffset: 9, user: "ci" } },
      dataDisks: [{ slot: 0, format: "qcow2", sizeBytes: 8_388_608 }],
    });
    const { from, goesOn, disks, network } = buildClone(was, {}, facts);
    expect([from, network]).toEqual([{ snapshot: ID, task }, "isolated"]);
    expect(disks).toEqual([{ name: "slot-0", slot: 0, format: "qcow2", sizeBytes: 8_388_608, fs: "none" }]);
    const move = moveOf(goesOn ?? { cdroms: [] });
    expect(move).toMatchObject({ logOffset: 9, checkpoint: "built", task: { user: "ci" } });
    expect(move.fork).toBeUndefined();
    // Whoever submitted that task would have a right to the machine, and an archive can say what it likes.
    expect(buildClone({ ...was, record: { ...was.record, imported: true } }, {}, facts).from).toEqual({ snapshot: ID });
  });
});

describe("names of copies", () => {
  it("are numbered where there are several", () => {
    expect(namesOfClones("try", 1)).toEqual(["try"]);
    expect(namesOfClones("try", 3)).toEqual(["try-1", "try-2", "try-3"]);
    expect(namesOfClones(undefined, 2)).toEqual([undefined, undefined]);
  });
});
