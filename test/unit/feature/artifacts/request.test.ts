import { describe, expect, it } from "vitest";
import { artifactIssues, artifactRequests } from "../../../../src/feature/artifacts/request.ts";

const artifact = { name: "a", path: "/a" };

function linesOf(...artifacts: readonly object[]): string[] {
  return artifactIssues(artifacts).map(({ path, message }) => `${path}: ${message}`);
}

describe("the artifacts of a payload", () => {
  it("are files that must be there, stored as they are, as long as the task", () => {
    expect(artifactRequests([artifact])).toEqual([{ ...artifact, type: "file", optional: false, compression: "none" }]);
    expect(artifactRequests(undefined)).toEqual([]);
  });

  it("may expire earlier", () => {
    expect(artifactRequests([{ ...artifact, expires: 60 }])).toMatchObject([{ expiresAfterMs: 60_000 }]);
    expect(artifactRequests([{ ...artifact, expires: "1 day" }])).toMatchObject([{ expiresAfterMs: 86_400_000 }]);
    expect(linesOf({ ...artifact, expires: "2 years" })).toEqual([expect.stringMatching(/^artifacts\[0\]\.expires: /)]);
    expect(linesOf({ ...artifact, expires: "365 days" })).toEqual([]);
  });

  it("have patterns that can be followed", () => {
    expect(linesOf({ ...artifact, path: "/*" })).toEqual([expect.stringMatching(/^artifacts\[0\]\.path: .*folder/)]);
  });

  it.each(["public/chain-of-trust.json", "public/chain-of-trust.json.sig", "public/logs/task.log"])(
    "are not called %s, as what the worker vouches for is",
    (name) => {
      expect(linesOf({ ...artifact, name })).toEqual([
        expect.stringMatching(/^artifacts\[0\]\.name: .*only the worker/),
      ]);
    },
  );

  it("have one name each, none inside another", () => {
    expect(linesOf(artifact, { ...artifact, path: "/b" }, { ...artifact, name: "a/b/c" })).toEqual([
      "artifacts[1].name: is the name of artifacts[0] already",
      "artifacts[2].name: lies inside artifacts[0]",
    ]);
  });

  it("are left to the schema where they have another shape", () => {
    expect(artifactIssues("all")).toEqual([]);
    expect(linesOf({ name: 1, path: 2, expires: -3 })).toEqual([]);
  });
});
