import { describe, expect, it } from "vitest";
import { interactiveIssues, interactiveRequest } from "../../../../src/feature/interactive/request.ts";
import { socketsFile } from "../../../../src/feature/interactive/sockets-file.ts";

const settings = { enabled: true, keepAfterMs: 600_000, maxKeepAfterMs: 3_600_000 };

describe("what a task says of the person its machine is for", () => {
  it("is nothing, or display and shell unless one is not wanted", () => {
    expect(interactiveRequest(undefined)).toBeUndefined();
    expect(interactiveRequest({})).toEqual({ shell: true, display: true, keepAfterMs: undefined });
    const shellOnly = { shell: true, display: false, keepAfterMs: 0 };
    expect(interactiveRequest({ display: false, keepAfter: 0 })).toEqual(shellOnly);
    expect(interactiveRequest({ keepAfter: "1 minute" })).toMatchObject({ keepAfterMs: 60_000 });
  });

  it.each([
    [{}, []],
    [{ keepAfter: 0 }, []],
    [{ keepAfter: "1 hour" }, []],
    [{ keepAfter: "2 hours" }, ["interactive.keepAfter"]],
    [{ keepAfter: "for ever" }, ["interactive.keepAfter"]],
  ])("is checked: %j", (value, paths) => {
    expect(interactiveIssues(value, settings).map(({ path }) => path)).toEqual(paths);
  });

  it("is refused by a worker that has no such machines", () => {
    expect(interactiveIssues({}, { ...settings, enabled: false })).toMatchObject([{ path: "interactive" }]);
    expect(interactiveIssues(undefined, { ...settings, enabled: false })).toEqual([]);
  });
});

describe("sockets.json", () => {
  const all = { interactive: { shell: true, display: true, keepAfterMs: undefined }, hasDisplay: true };

  it("has the addresses that taskcluster-worker gives, and nothing that is not there", () => {
    expect(JSON.parse(socketsFile("https://ci.example.com", "SECRET", all))).toEqual({
      version: 2,
      shellSocketUrl: "wss://ci.example.com/api/v1/interactive/SECRET/shell",
      displaysUrl: "https://ci.example.com/api/v1/interactive/SECRET/displays",
      displaySocketUrl: "wss://ci.example.com/api/v1/interactive/SECRET/display",
    });
    const blind = JSON.parse(socketsFile("http://localhost:7070", "S", { ...all, hasDisplay: false })) as object;
    expect(blind).toEqual({ version: 2, shellSocketUrl: "ws://localhost:7070/api/v1/interactive/S/shell" });
    const mute = { ...all, interactive: { ...all.interactive, shell: false } };
    expect(JSON.parse(socketsFile("http://localhost", "S", mute))).not.toHaveProperty("shellSocketUrl");
  });
});
