import fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { describe, expect, it } from "vitest";
import { retryInMs } from "../../../src/telemetry/webhooks/retry.ts";
import { signWebhook, tryParseWebhookSecret } from "../../../src/telemetry/webhooks/signature.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const DAY_MS = 86_400_000;

describe("the signature of a webhook", () => {
  it("is what the library of Standard Webhooks verifies, and nothing else is", () => {
    const key = tryParseWebhookSecret(SECRET) ?? Buffer.alloc(0);
    const body = '{"type":"task.failed","data":{"name":"ä\\u0000😀"}}';
    const headers = signWebhook(key, { id: "msg_1", body, time: new Date() });
    const verifier = new Webhook(SECRET);
    expect(verifier.verify(body, headers)).toEqual(JSON.parse(body));
    expect(() => verifier.verify(`${body} `, headers)).toThrow();
    expect(() => verifier.verify(body, { ...headers, "webhook-id": "msg_2" })).toThrow();
  });

  it.each(["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_c2hvcnQ=", "whsec_not base64 at all, but long"])(
    "cannot be made with %j",
    (secret) => expect(tryParseWebhookSecret(secret)).toBeUndefined(),
  );
});

describe("what was not taken", () => {
  it("is sent again for a day, less and less often, and once more at its end", () => {
    let triedForMs = 0;
    const waits: number[] = [];
    for (let count = 1; ; count++) {
      const waitMs = retryInMs({ count, triedForMs }, 0.5);
      if (waitMs === undefined) break;
      waits.push(waitMs);
      triedForMs += waitMs;
    }
    expect(waits.slice(0, 4)).toEqual([5_000, 20_000, 80_000, 320_000]);
    expect(triedForMs).toBe(DAY_MS);
    expect(waits.length).toBeLessThan(20);
  });

  it("waits as long as the receiver asks for, but not for ever", () => {
    expect(retryInMs({ count: 1, triedForMs: 0, askedMs: 60_000 }, 0)).toBe(60_000);
    expect(retryInMs({ count: 1, triedForMs: 0, askedMs: 10 * DAY_MS }, 0)).toBe(3_600_000);
  });

  it("never waits a negative time, nor beyond the day", () => {
    const count = fc.integer({ min: 1, max: 10_000 });
    const triedForMs = fc.integer({ min: 0, max: 2 * DAY_MS });
    const random = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(count, triedForMs, random, (attempts, tried, chance) => {
        const waitMs = retryInMs({ count: attempts, triedForMs: tried }, chance);
        if (waitMs === undefined) expect(tried).toBeGreaterThanOrEqual(DAY_MS);
        else expect(waitMs > 0 && tried + waitMs <= DAY_MS).toBe(true);
      }),
    );
  });
});
