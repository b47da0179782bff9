import { describe, expect, it } from "vitest";
import { AnswerError } from "../../../../src/queue/taskcluster/answers.ts";
import { requestError } from "../../../../src/queue/taskcluster/api-errors.ts";
import { storeBroken, storeRefusal } from "../../../../src/queue/taskcluster/store-errors.ts";

const facts = {
  call: "createArtifact",
  refusalBlame: "task",
  rootUrl: "https://tc.example.com",
  timeoutMs: 1,
} as const;
const refused = (statusCode: number, message = "No.") =>
  requestError(Object.assign(new Error(message), { statusCode }), facts);

describe("requestError", () => {
  it.each([
    [500, "queue-unavailable", "upstream"],
    [502, "queue-unavailable", "upstream"],
    [429, "queue-unavailable", "upstream"],
    [408, "queue-unavailable", "upstream"],
    [401, "queue-credentials-refused", "host"],
    [403, "queue-credentials-refused", "host"],
    [400, "queue-request-refused", "task"],
    [413, "queue-request-refused", "task"],
    [404, "queue-not-found", "task"],
    [409, "queue-conflict", "task"],
  ])("takes %i for %s, blame %s", (status, code, blame) => {
    expect(refused(status)).toMatchObject({ code, blame, details: { call: "createArtifact", status } });
  });

  it("keeps the sentence of the queue, without the request that it repeats, and not without end", () => {
    const { message } = refused(400, 'Schema Validation Failed!\n\n---\n\n* payload: {"url": "https://x?secret"}');
    expect(message).toBe("the queue answered 400 to createArtifact: Schema Validation Failed!");
    expect(refused(400, "x".repeat(100_000)).message.length).toBeLessThan(1_200);
  });

  it("never passes on the error of the library, which holds the request", () => {
    const error = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED", options: { secret: 1 } });
    const shown = requestError(error, facts);
    expect(shown).toMatchObject({ code: "queue-unreachable", blame: "upstream" });
    expect(shown.cause).toBeUndefined();
    expect(shown.message).toContain("https://tc.example.com");
  });

  it("tells silence from nonsense", () => {
    expect(requestError(Object.assign(new Error("x"), { code: "ECONNABORTED" }), facts).code).toBe("queue-timeout");
    expect(requestError(new AnswerError("takenUntil is missing"), facts)).toMatchObject({
      code: "queue-answer-invalid",
      blame: "upstream",
      message: expect.stringContaining("takenUntil is missing"),
    });
  });
});

describe("storeRefusal", () => {
  const store = { artifact: "public/a", host: "s3.example.com" };
  const xml = (code: string) => `<Error><Code>${code}</Code><Message>words</Message><Signature>abc</Signature></Error>`;

  it.each([
    [500, "", "upstream"],
    [503, xml("SlowDown"), "upstream"],
    [400, xml("RequestTimeout"), "upstream"],
    [400, xml("ExpiredToken"), "upstream"],
    [403, "<Code>AccessDenied</Code><Message>Request has expired</Message>", "upstream"],
    [400, xml("EntityTooLarge"), "task"],
    [413, "", "task"],
    [403, xml("SignatureDoesNotMatch"), "host"],
    [404, xml("NoSuchBucket"), "host"],
    [301, xml("PermanentRedirect"), "host"],
  ] as const)("answers of %i with %s are the fault of the %s", (status, body, blame) => {
    expect(storeRefusal(status, body, store).blame).toBe(blame);
  });

  it("repeats the reason and nothing that could be a secret", () => {
    expect(storeRefusal(403, xml("SignatureDoesNotMatch"), store).message).toBe(
      "the store s3.example.com answered 403 to the upload of public/a: SignatureDoesNotMatch: words",
    );
    expect(storeRefusal(403, "too big for me", store).message).toContain("too big for me");
    for (const body of ["<a>https://x?sig=1</a>", '{"token": "abc"}', "see https://x?X-Amz-Signature=abc", ""]) {
      expect(storeRefusal(403, body, store).message).toContain("(no reason given)");
    }
  });

  it("takes a broken connection for nobody's fault here", () => {
    expect(storeBroken("ECONNRESET", store)).toMatchObject({ blame: "upstream", code: "artifact-store-unreachable" });
  });
});
