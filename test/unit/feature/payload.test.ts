import { describe, expect, it } from "vitest";
import { InvalidInputError } from "../../../src/base/errors.ts";
import { parsePayload } from "../../../src/feature/payload.ts";

const options = { subject: "The task payload", blame: "task", maxRunTimeMs: 3_600_000 } as const;

function issuesOf(data: unknown): string[] {
  try {
    parsePayload(data, options);
  } catch (error) {
    if (error instanceof InvalidInputError) return error.issues.map(({ path, message }) => `${path}: ${message}`);
    throw error;
  }
  return [];
}

/** The paths of the issues of a payload that is right but for `fields`. */
function pathsOf(fields: Record<string, unknown>): string[] {
  return issuesOf({ command: ["true"], ...fields }).map((line) => line.slice(0, line.indexOf(": ")));
}

describe("parsePayload", () => {
  it("needs nothing but a command", () => {
    expect(parsePayload({ command: ["true"] }, options)).toEqual({
      image: undefined,
      steps: [{ name: undefined, command: ["true"], env: {}, cwd: undefined, user: undefined, when: "on-success" }],
      env: {},
      cwd: undefined,
      user: undefined,
      tty: false,
      machine: {},
      maxRunTimeMs: undefined,
      stallTimeoutMs: undefined,
      onExitStatus: { retry: [], purgeCaches: [] },
      caches: [],
      inputs: [],
      secrets: [],
      network: { kind: "isolated" },
      artifacts: [],
      screenshots: { everyMs: undefined, onFailure: true, format: "png" },
      video: undefined,
    });
  });

  it("takes everything a task can ask for", () => {
    const image = { url: "https://images.example.com/a.tar.zst", sha256: "0".repeat(64) };
    const payload = parsePayload(
      {
        image,
        command: ["sh", "-c", "make"],
        env: { CI: "true", __proto__x: "1" },
        cwd: "/src",
        user: "builder",
        tty: true,
        machine: { memory: 512, chipset: "pc" },
        maxRunTime: "10 minutes",
        network: "isolated",
        artifacts: [
          {
            ...{ name: "report/index.html", path: "out/index.html", contentType: "text/html" },
            ...{ compression: "auto", expires: "30 days" },
          },
          { name: "logs", path: "/var/log", type: "directory", optional: true },
        ],
      },
      options,
    );
    expect(payload).toMatchObject({ image, maxRunTimeMs: 600_000, machine: { memory: 512, chipset: "pc" } });
    expect(payload.artifacts).toEqual([
      {
        ...{ name: "report/index.html", path: "out/index.html", type: "file", optional: false },
        ...{ contentType: "text/html", compression: "auto", expiresAfterMs: 30 * 86_400_000 },
      },
      { name: "logs", path: "/var/log", type: "directory", optional: true, compression: "none" },
    ]);
  });

  it("takes several commands with names instead of one", () => {
    const steps = [
      { name: "build", command: ["make"], cwd: "/src" },
      { name: "clean up", command: ["make", "clean"], when: "always", env: { Q: "1" } },
    ];
    expect(parsePayload({ steps }, options).steps).toEqual([
      { name: "build", command: ["make"], env: {}, cwd: "/src", user: undefined, when: "on-success" },
      {
        name: "clean up",
        command: ["make", "clean"],
        env: { Q: "1" },
        cwd: undefined,
        user: undefined,
        when: "always",
      },
    ]);
    const twice = [...steps, { name: "build", command: ["make"] }];
    expect(issuesOf({ steps: twice })).toEqual(["steps[2].name: is the name of steps[0] already"]);
  });

  it("wants one of command and steps", () => {
    const steps = [{ name: "build", command: ["make"] }];
    expect(issuesOf({})).toEqual([": must have either command or steps"]);
    expect(issuesOf({ command: ["true"], steps })).toEqual([": must have either command or steps"]);
  });

  it("lists four issues with their paths where there are four mistakes", () => {
    const lines = issuesOf({
      command: ["true"],
      machine: { memory: "2 GB" },
      maxRunTime: "soon",
      artifacts: [
        { name: "a", path: "/a" },
        { name: "../../etc/passwd", path: "/b" },
      ],
      comand: [],
    });
    expect(lines).toEqual([
      'comand: is not a known key; did you mean "command"?',
      'machine.memory: must be a whole number, not "2 GB"',
      expect.stringMatching(/^artifacts\[1\]\.name: must be a relative path of plain names/),
      expect.stringMatching(/^maxRunTime: must be a number of seconds or a text/),
    ]);
  });

  it("refuses networks it does not offer by their name", () => {
    expect(issuesOf({ command: ["true"], network: "internet" })).toEqual([
      expect.stringMatching(/^network: "internet" is refused: this worker offers "isolated" only/),
    ]);
  });

  it.each([
    ["no command", { command: [] }, ["command"]],
    ["a command that is text", { command: "make" }, ["command"]],
    ["an argument with NUL", { command: ["a\0b"] }, ["command[0]"]],
    ["a name no variable can have", { env: { "1A": "x", "B-C": "y", OK: "z" } }, ['env["1A"]', "env.B-C"]],
    ["a value that is no text", { env: { PORT: 80 } }, ["env.PORT"]],
    ["a value with NUL", { env: { A: "\0" } }, ["env.A"]],
    ["a relative directory", { cwd: "src" }, ["cwd"]],
    ["a user no system has", { user: "root; reboot" }, ["user"]],
    ["an image without digest", { image: { url: "https://example.com/a" } }, ["image.sha256"]],
    ["an image from a file URL", { image: { url: "file:///a", sha256: "0".repeat(64) } }, ["image.url"]],
    ["an empty image", { image: "" }, ["image"]],
    ["a machine with the version of an image", { machine: { version: 2 } }, ["machine.version"]],
    ["a machine with boot files", { machine: { boot: { kernel: "k" } } }, ["machine.boot"]],
    ["no run time", { maxRunTime: 0 }, ["maxRunTime"]],
    ["an endless run time", { maxRunTime: Number.POSITIVE_INFINITY }, ["maxRunTime"]],
    ["a run time in text that is none", { maxRunTime: "" }, ["maxRunTime"]],
    ["pictures of a format there is not", { screenshots: { format: "gif" } }, ["screenshots.format"]],
    [
      "pictures too often",
      { screenshots: { every: "0.9 s" }, video: { every: 0.5 } },
      ["screenshots.every", "video.every"],
    ],
    ["pictures at no interval", { screenshots: { every: "often" } }, ["screenshots.every"]],
    ["a video of text", { video: "yes" }, ["video"]],
    ["an artifact without path", { artifacts: [{ name: "a" }] }, ["artifacts[0].path"]],
    ["an artifact of unknown type", { artifacts: [{ name: "a", path: "b", type: "link" }] }, ["artifacts[0].type"]],
    [
      "a media type that is none",
      { artifacts: [{ name: "a", path: "b", contentType: "html\r\nX: y" }] },
      ["artifacts[0].contentType"],
    ],
    [
      "a media type for a folder",
      { artifacts: [{ name: "a", path: "b", type: "directory", contentType: "text/html" }] },
      ["artifacts[0].contentType"],
    ],
  ])("refuses %s", (_what, fields, paths) => {
    expect(pathsOf(fields)).toEqual(paths);
  });

  it.each(["/a", "a/", "a//b", ".", "..", "a/../b", "a/./b", "../a", "a\\b", "a\0", "a\nb", ""])(
    "refuses %j as the name of an artifact",
    (name) => {
      expect(pathsOf({ artifacts: [{ name, path: "/x" }] })).toEqual(["artifacts[0].name"]);
    },
  );

  it.each(["a", "a/b.txt", ".hidden", "..a/b...", "Übersicht 1.html", "-rf"])(
    "accepts %j as the name of an artifact",
    (name) => {
      expect(pathsOf({ artifacts: [{ name, path: "/x" }] })).toEqual([]);
    },
  );

  it("refuses two artifacts that would lie in one place", () => {
    const artifacts = ["a", "b/c", "a", "b/c/d", "b"].map((name) => ({ name, path: "/x" }));
    expect(issuesOf({ command: ["true"], artifacts })).toEqual([
      "artifacts[2].name: is the name of artifacts[0] already",
      "artifacts[1].name: lies inside artifacts[4]",
      "artifacts[3].name: lies inside artifacts[4]",
    ]);
  });

  it("names both figures where the run time is longer than the worker allows", () => {
    expect(issuesOf({ command: ["true"], maxRunTime: "1 day" })).toEqual([
      "maxRunTime: 1 d is longer than the 1 h this worker allows",
    ]);
    expect(parsePayload({ command: ["true"], maxRunTime: 3_600 }, options).maxRunTimeMs).toBe(3_600_000);
  });

  it("refuses what no timer can wait for, also where the worker has no limit", () => {
    const parse = () => parsePayload({ command: ["true"], maxRunTime: 1e12 }, { subject: "It", blame: "task" });
    expect(parse).toThrow("maxRunTime");
  });

  it.each([
    [{ screenshots: { every: "10 seconds" } }, 10_000, undefined],
    [{ video: true }, undefined, 1_000],
    [{ video: {} }, undefined, 1_000],
    [{ screenshots: { every: 5 }, video: true }, 5_000, 5_000],
    [{ screenshots: { every: 5 }, video: { every: "2 s" } }, 5_000, 2_000],
    [{ screenshots: { every: 5 }, video: false }, 5_000, undefined],
  ])("knows how often %j wants the screen", (fields, everyMs, videoMs) => {
    const { screenshots, video } = parsePayload({ command: ["true"], ...fields }, options);
    expect([screenshots.everyMs, video?.everyMs]).toEqual([everyMs, videoMs]);
  });

  it("does not print the values of variables, which may be secrets", () => {
    expect(issuesOf({ command: ["true"], env: { TOKEN: "hunter2\0" } }).join()).not.toContain("hunter2");
  });
});
