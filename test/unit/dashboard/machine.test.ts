import { describe, expect, it } from "vitest";
import { prettyJson, previewKind } from "../../../src/dashboard/features/artifacts/preview-kind.ts";
import { groupByFolder } from "../../../src/dashboard/features/artifacts/tree.ts";
import { matches } from "../../../src/dashboard/features/audit/match.ts";
import { keysOfChange, keysOfText } from "../../../src/dashboard/features/display/keysyms.ts";
import { waitBefore } from "../../../src/dashboard/features/machine/back-off.ts";
import { parseLink, placePath } from "../../../src/dashboard/features/machine/link-target.ts";

const EXPIRES = "2026-12-01T00:00:00Z";

describe("a link to a machine", () => {
  it("says what it leads to", () => {
    expect(parseLink("#task=T&run=3&kind=display&mode=control&ticket=S")).toEqual({
      ...{ task: "T", run: 3, kind: "display", mode: "control", ticket: "S" },
    });
    expect(parseLink("#task=T&run=0&kind=display&ticket=S")).toMatchObject({ mode: "view" });
    expect(parseLink("#task=T&run=0&kind=shell&mode=view&ticket=S")).toMatchObject({ mode: "control" });
    expect(parseLink("#vm=c2ed88810327&worker=host-2&kind=console&mode=control&ticket=S")).toEqual({
      ...{ vm: "c2ed88810327", worker: "host-2", kind: "console", mode: "control", ticket: "S" },
    });
  });

  it.each([
    "",
    "#",
    "#task=T&run=0&kind=display",
    "#task=T&run=x&kind=shell&ticket=S",
    "#task=T&run=0&kind=log&ticket=S",
    "#task=T&run=0&kind=console&ticket=S",
    "#vm=c2ed88810327&kind=console",
  ])("is none: %s", (hash) => expect(parseLink(hash)).toBeUndefined());
});

describe("the address of a machine", () => {
  it("is that of its run, or its own on the host of its worker", () => {
    expect(placePath({ task: "a/b", run: 2 }, "/screen", new URLSearchParams({ width: "320" }))).toBe(
      "/tasks/a%2Fb/runs/2/screen?width=320",
    );
    expect(placePath({ vm: "dev" }, "/links")).toBe("/vms/dev/links");
    expect(placePath({ vm: "../x", worker: "b&c" }, "")).toBe("/vms/..%2Fx?worker=b%26c");
  });
});

describe("what a phone types", () => {
  it("is sent as keys, with what the keyboard corrects", () => {
    const typed = (before: string, after: string) => keysOfChange(before, after).map(({ keysym }) => keysym);
    expect(typed("__", "__a")).toEqual([0x61]);
    expect(typed("__a", "__")).toEqual([0xff08]);
    expect(typed("__teh", "__the ")).toEqual([0xff08, 0xff08, 0x68, 0x65, 0x20]);
    expect(typed("__", "__\n")).toEqual([0xff0d]);
  });

  it("may be any of Unicode, but no control character", () => {
    expect(keysOfText("é€\u0007😀").map(({ keysym }) => keysym)).toEqual([0xe9, 0x0100_20ac, 0x0101_f600]);
  });
});

describe("the wait before a connection is tried again", () => {
  it("grows, to a limit, and is not the same for all", () => {
    expect([1, 2, 3, 20].map((failures) => waitBefore(failures, 1))).toEqual([500, 1_000, 2_000, 15_000]);
    expect(waitBefore(1, 0)).toBeLessThan(waitBefore(1, 1));
  });
});

describe("an artifact", () => {
  const kind = (name: string, contentType: string) => previewKind({ name, contentType, expires: EXPIRES });

  it("is shown as what it is, and pages never as such", () => {
    expect(kind("a.png", "image/png")).toBe("image");
    expect(kind("a.html", "text/html; charset=utf-8")).toBe("html");
    expect(kind("a.xhtml", "application/xhtml+xml")).toBe("html");
    expect(kind("a.json", "application/vnd.x+json")).toBe("json");
    expect(kind("a.log", "application/octet-stream")).toBe("text");
    expect(kind("a.pdf", "application/pdf")).toBe("none");
    expect(
      previewKind({ name: "a", contentType: "text/plain", expires: EXPIRES, error: { reason: "r", message: "m" } }),
    ).toBe("none");
  });

  it("is in a folder, in the order of people", () => {
    const artifacts = ["b/10", "b/9", "a", "b/c/d"].map((name) => ({
      name,
      contentType: "text/plain",
      expires: EXPIRES,
    }));
    const names = groupByFolder(artifacts).map(({ path, artifacts: own }) => [path, ...own.map(({ name }) => name)]);
    expect(names).toEqual([
      ["", "a"],
      ["b", "b/9", "b/10"],
      ["b/c", "b/c/d"],
    ]);
  });

  it("is JSON on several lines, or as it is", () => {
    expect(prettyJson('{"a":1}')).toBe('{\n  "a": 1\n}');
    expect(prettyJson('{"a":')).toBe('{"a":');
  });
});

describe("an entry of the audit log", () => {
  it("is found by words that are anywhere in it", () => {
    const entry = { id: "1", time: EXPIRES, principal: "Ada", via: "token", action: "stopWorker", outcome: "refused" };
    expect([matches(entry, "ada stop"), matches(entry, ""), matches(entry, "ada pause")]).toEqual([true, true, false]);
  });
});
