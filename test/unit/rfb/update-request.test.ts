import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  encodeUpdateRequest,
  mergeUpdateRequests,
  parseUpdateRequest,
  type UpdateRequest,
} from "../../../src/rfb/update-request.ts";

const u15 = fc.nat({ max: 0x7fff });
const request: fc.Arbitrary<UpdateRequest> = fc.record({
  incremental: fc.boolean(),
  ...{ x: u15, y: u15, width: u15, height: u15 },
});

function covers(outer: UpdateRequest, inner: UpdateRequest): boolean {
  const wide = outer.x <= inner.x && inner.x + inner.width <= outer.x + outer.width;
  return wide && outer.y <= inner.y && inner.y + inner.height <= outer.y + outer.height;
}

describe("a request for an update", () => {
  it("is as RFC 6143 has it", () => {
    const parts = { x: 1, y: 0x0203, width: 640, height: 480 };
    expect(encodeUpdateRequest({ incremental: true, ...parts }).toString("hex")).toBe("030100010203028001e0");
  });

  it("survives encoding and parsing", () => {
    fc.assert(
      fc.property(request, (one) => {
        expect(parseUpdateRequest(encodeUpdateRequest(one))).toEqual(one);
      }),
    );
  });

  it("of two asks for all that both ask for", () => {
    fc.assert(
      fc.property(request, request, (one, other) => {
        const both = mergeUpdateRequests(one, other);
        expect([covers(both, one), covers(both, other)]).toEqual([true, true]);
        expect(both.incremental).toBe(one.incremental && other.incremental);
      }),
    );
  });

  it("never asks for more than can be said", () => {
    const far = { incremental: true, x: 0xffff, y: 0, width: 0xffff, height: 1 };
    const both = mergeUpdateRequests({ ...far, x: 0 }, far);
    expect(parseUpdateRequest(encodeUpdateRequest(both))).toMatchObject({ x: 0, width: 0xffff });
  });
});
