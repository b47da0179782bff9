import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { joinUserData } from "../../../../src/guest/cloud-init/user-data.ts";

interface Part {
  headers: string;
  text: string;
}

/** The parts of a message whose parts are encoded; a part with parts of its own is left as it is. */
function partsOf(message: string): Part[] {
  const boundary = /boundary="([^"]+)"/.exec(message.slice(0, message.indexOf("\n\n")))?.[1] ?? "";
  const [, ...parts] = message.split(`--${boundary}`);
  expect(parts.pop()).toBe("--\n");
  return parts.map((part) => {
    const end = part.indexOf("\n\n");
    const headers = part.slice(1, end);
    const body = part.slice(end + 2);
    return { headers, text: headers.includes("base64") ? Buffer.from(body, "base64").toString() : body };
  });
}

describe("user-data", () => {
  it("is a message of one part where nobody else has any", () => {
    const message = joinUserData("#!/bin/sh\n", undefined);
    expect(message).toMatch(/^Content-Type: multipart\/mixed; boundary="[^"]+"\nMIME-Version: 1\.0\n\n/);
    expect(partsOf(message)).toEqual([
      { headers: expect.stringMatching(/^Content-Type: text\/cloud-boothook;/), text: "#!/bin/sh\n" },
    ]);
  });

  it("keeps every byte of what is joined, whose kind its first line tells", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1, maxLength: 2_000 }), (userData) => {
        const [hook, own, ...more] = partsOf(joinUserData("hook", userData));
        expect([hook?.text, own?.text, more]).toEqual(["hook", userData, []]);
        expect(own?.headers).toMatch(/^Content-Type: text\/plain;/);
      }),
    );
  });

  it("takes a message with parts of its own for one part", () => {
    const own = 'Content-Type: multipart/mixed; boundary="x"\nMIME-Version: 1.0\n\n--x\n\nbody\n--x--';
    const message = joinUserData("hook", own);
    expect(message).toContain(`\n${own}\n--boxcar-`);
    expect(partsOf(message)).toHaveLength(2);
  });

  it("has another boundary for other parts", () => {
    const boundaryOf = (text: string) => /boundary="(.+?)"/.exec(joinUserData("hook", text))?.[1];
    expect(boundaryOf("one")).not.toBe(boundaryOf("two"));
  });
});
