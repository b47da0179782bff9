import { expect, it } from "vitest";
import type { VmView } from "../../../src/hypervisor/hypervisor.ts";
import { changesBetween } from "../../../src/hypervisor/watch.ts";
import { draftRecord } from "./records.ts";

const time = new Date("2026-11-21T12:00:00Z");
const view = (changes: Parameters<typeof draftRecord>[0]): VmView => ({ record: draftRecord(changes), isStale: false });
const by = (...views: VmView[]) => new Map(views.map((each) => [each.record.id, each]));

it("says what there is at first, and then what has changed", () => {
  const [web, db] = [
    view({ id: "aaaaaaaaaaaa", name: "web" }),
    view({ id: "bbbbbbbbbbbb", state: "running", starts: 1 }),
  ];
  expect(changesBetween(undefined, [web], time)).toEqual([
    { time: time.toISOString(), id: "aaaaaaaaaaaa", name: "web", event: "seen", state: "created" },
  ]);
  expect(changesBetween(by(web), [web], time)).toEqual([]);
  expect(changesBetween(by(web), [web, db], time)).toMatchObject([{ id: "bbbbbbbbbbbb", event: "made" }]);
  const stopped = view({ id: "bbbbbbbbbbbb", state: "stopped", starts: 1, reason: "it was stopped" });
  expect(changesBetween(by(web, db), [stopped], time)).toMatchObject([
    { id: "bbbbbbbbbbbb", event: "changed", before: "running", state: "stopped", reason: "it was stopped" },
    { id: "aaaaaaaaaaaa", event: "removed" },
  ]);
});

it("sees a machine that was started again between two looks", () => {
  const before = view({ state: "running", starts: 1 });
  expect(changesBetween(by(before), [view({ state: "running", starts: 2 })], time)).toMatchObject([
    { event: "changed" },
  ]);
});
