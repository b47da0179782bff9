import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  AnswerError,
  parseClaims,
  parsePutUrl,
  parseReclaim,
  parseRunStatus,
  parseUpload,
} from "../../../../src/queue/taskcluster/answers.ts";

const NOW = "2026-11-21T10:00:00.000Z";
const credentials = { clientId: "task-client/1", accessToken: "token", certificate: "{}" };
const claim = {
  status: { taskId: "KeIz7PoVTSybRKZPTN3yeA", runs: [{ runId: 0, state: "running", started: NOW }] },
  runId: 0,
  takenUntil: "2026-11-21T10:20:00.000Z",
  credentials,
  task: { payload: { a: 1 }, priority: "low", created: NOW, deadline: NOW, expires: NOW, scopes: ["x"], metadata: {} },
};

describe("the answers of Taskcluster", () => {
  it("reads a claim", () => {
    expect(parseClaims({ tasks: [claim] })).toEqual([
      {
        taskId: "KeIz7PoVTSybRKZPTN3yeA",
        runId: 0,
        takenUntil: new Date("2026-11-21T10:20:00.000Z"),
        started: new Date(NOW),
        credentials,
        task: {
          payload: { a: 1 },
          priority: "low",
          created: new Date(NOW),
          deadline: new Date(NOW),
          expires: new Date(NOW),
          name: undefined,
          scopes: ["x"],
        },
      },
    ]);
    expect(parseClaims({ tasks: [] })).toEqual([]);
  });

  it("lets a task expire at its deadline if the queue does not say when", () => {
    const { expires: _expires, ...task } = claim.task;
    expect(parseClaims({ tasks: [{ ...claim, task }] })[0]?.task.expires).toEqual(new Date(NOW));
  });

  it("finds a run in the status of its task", () => {
    const status = { runs: [{ state: "exception", reasonResolved: "canceled" }, { state: "running" }] };
    expect(parseRunStatus({ status }, 0)).toMatchObject({ state: "exception", reasonResolved: "canceled" });
    expect(parseRunStatus({ status }, 1)).toMatchObject({ state: "running", reasonResolved: undefined });
    expect(parseRunStatus({ status }, 2)).toBeUndefined();
  });

  it("reads where a file goes", () => {
    expect(parseUpload({ storageType: "s3", putUrl: "https://s3/x" })).toEqual({
      storageType: "s3",
      putUrl: "https://s3/x",
    });
    const object = { storageType: "object", name: "t/a/0/b", projectId: "p", uploadId: "u", credentials };
    expect(parseUpload(object)).toEqual(object);
    expect(parsePutUrl({ uploadMethod: {} })).toBeUndefined();
    expect(parsePutUrl({ uploadMethod: { putUrl: { url: "https://s3/x", headers: { A: "b" } } } })).toEqual({
      url: "https://s3/x",
      headers: { A: "b" },
    });
  });

  it.each([
    ["no date", () => parseReclaim({ takenUntil: "soon", credentials })],
    ["no credentials", () => parseReclaim({ takenUntil: NOW })],
    ["no list", () => parseClaims({ tasks: {} })],
    ["no run", () => parseClaims({ tasks: [{ ...claim, runId: "0" }] })],
    ["another storage", () => parseUpload({ storageType: "azure", putUrl: "x" })],
  ])("refuses an answer with %s", (_, parse) => {
    expect(parse).toThrow(AnswerError);
  });

  it("refuses anything else in one way", () => {
    fc.assert(
      fc.property(fc.anything(), (answer) => {
        for (const parse of [parseClaims, parseReclaim, parseUpload, (data: unknown) => parseRunStatus(data, 0)]) {
          expect(() => parse(answer)).toThrow(AnswerError);
        }
      }),
    );
  });
});
