import { describe, expect, it } from "vitest";
import { InvalidInputError } from "../../../../src/base/errors.ts";
import { resolveConfig } from "../../../../src/config/config.ts";
import { parsePayload } from "../../../../src/feature/payload.ts";

const surroundings = { env: {}, uid: 0, home: "/root", host: { memoryMiB: 4_096, cpus: 2 } };
const { features } = resolveConfig({ features: { inputs: { allow: ["https://files.example/dl/"] } } }, surroundings);
const sha256 = "0".repeat(64);
const url = "https://files.example/dl/a";

function parse(inputs: unknown) {
  return parsePayload({ command: ["true"], inputs }, { subject: "It", blame: "task", features }).inputs;
}

function issuesOf(...inputs: unknown[]): string[] {
  try {
    parse(inputs);
  } catch (error) {
    if (error instanceof InvalidInputError) return error.issues.map(({ path, message }) => `${path}: ${message}`);
    throw error;
  }
  return [];
}

describe("the inputs of a task", () => {
  it("are fetched, or a part of the payload", () => {
    expect(
      parse([
        { url, sha256, path: "/opt/a", mode: "0755", user: "builder" },
        { url, sha256, path: "/opt/b", extract: true },
        { content: "x\n", path: "/etc/x" },
        { content: "", path: "/etc/empty", mode: "600" },
      ]),
    ).toEqual([
      { kind: "fetched", url, sha256, path: "/opt/a", mode: 0o755, user: "builder", extract: false },
      { kind: "fetched", url, sha256, path: "/opt/b", mode: 0o644, user: undefined, extract: true },
      { kind: "inline", content: "x\n", path: "/etc/x", mode: 0o644, user: undefined },
      { kind: "inline", content: "", path: "/etc/empty", mode: 0o600, user: undefined },
    ]);
  });

  it("lists all mistakes together", () => {
    expect(
      issuesOf(
        { path: "/a" },
        { url, sha256, content: "", path: "/b" },
        { url, path: "/c" },
        { content: "", sha256, extract: true, path: "/d" },
        { url, sha256, path: "/e", mode: "0755", extract: true },
        { content: "", path: "/a" },
        { url: "https://other.example/a", sha256, path: "/f" },
        { url: "https://files.example/dl/../b", sha256, path: "/g" },
      ),
    ).toEqual([
      "inputs[0]: must have either url or content",
      "inputs[1]: has both url and content",
      "inputs[2].sha256: must be there for a url",
      "inputs[3].sha256: is for a url",
      "inputs[3].extract: is for a url",
      "inputs[4].mode: is not for an archive to unpack",
      "inputs[5].path: is that of inputs[0] already",
      "inputs[6].url: is not fetched: this worker fetches only what begins with https://files.example/dl/",
      "inputs[7].url: is not fetched: this worker fetches only what begins with https://files.example/dl/",
    ]);
  });

  it.each([
    [{ content: "", path: "relative" }, "inputs[0].path"],
    [{ content: "", path: "/folder/" }, "inputs[0].path"],
    [{ content: "", path: "/a\nb" }, "inputs[0].path"],
    [{ content: "", path: "/a", mode: 755 }, "inputs[0].mode"],
    [{ content: "", path: "/a", mode: "4755" }, "inputs[0].mode"],
    [{ url: "file:///etc/passwd", sha256, path: "/a" }, "inputs[0].url"],
    [{ url, sha256: "ABC", path: "/a" }, "inputs[0].sha256"],
  ])("refuses %j", (input, path) => {
    expect(issuesOf(input).map((line) => line.slice(0, line.indexOf(": ")))).toEqual([path]);
  });
});
