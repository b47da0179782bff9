import { describe, expect, it } from "vitest";
import { chainOf } from "../../../src/dashboard/features/images/image-chain.ts";
import { findPackages, historyOf, imageDetails } from "../../../src/dashboard/features/images/image-details.ts";
import type { ApiImage } from "../../../src/generated/api.ts";

function image(name: string, facts: Record<string, unknown> = {}): ApiImage {
  return { digest: `sha256:${name}`, tags: [name], sizes: { diskBytes: 100 }, ...facts };
}

const BASE = image("base", { provenance: { created: "2026-01-01T00:00:00Z", builder: "boxcar", recipe: "minimal" } });
const CHILD = image("child", {
  parent: BASE.digest,
  provenance: { history: [{ what: "first" }, { what: "second", by: "boxcar" }] },
});
const TOP = image("top", { parent: CHILD.digest });

describe("layers", () => {
  it("are what an image lies on, and what lies on it", () => {
    const { images, below, above, sharedBytes } = chainOf(CHILD, [TOP, BASE, CHILD]);
    expect(below.map(({ title }) => title)).toEqual(["base"]);
    expect(above.map(({ title }) => title)).toEqual(["top"]);
    expect(images).toEqual([CHILD, BASE]);
    expect(sharedBytes).toBe(100);
  });

  it("may be unknown here", () => {
    expect(chainOf(TOP, [TOP])).toEqual({
      images: [TOP],
      below: [{ digest: "sha256:child", title: "child", diskBytes: undefined }],
      above: [],
      sharedBytes: 0,
    });
  });

  it("have an end, whatever they say", () => {
    const [a, b] = [image("a", { parent: "sha256:b" }), image("b", { parent: "sha256:a" })];
    expect(chainOf(a, [a, b]).below.length).toBeLessThan(20);
  });
});

describe("the history of an image", () => {
  it("is that of its chain, the newest first", () => {
    expect(historyOf([CHILD, BASE])).toEqual([
      { image: CHILD.digest, created: undefined, by: "boxcar", what: "second" },
      { image: CHILD.digest, created: undefined, by: undefined, what: "first" },
      { image: BASE.digest, created: "2026-01-01T00:00:00Z", by: "boxcar", what: "built by the recipe minimal" },
    ]);
  });

  it("is nothing where nobody knows", () => {
    expect(historyOf([TOP])).toEqual([]);
  });
});

describe("what is known of an image", () => {
  it("may be nothing", () => {
    expect(imageDetails(TOP)).toMatchObject({ packages: undefined, signatures: undefined, sources: [] });
  });

  it("may be anything", () => {
    const odd = image("odd", {
      sizes: 7,
      signatures: [{ key: "a" }, 7, {}],
      provenance: { packages: [{ name: "a", version: "1" }, "b", 7], sources: "none", history: [7] },
    });
    expect(imageDetails(odd)).toMatchObject({
      packages: [
        { name: "a", version: "1" },
        { name: "b", version: undefined },
      ],
      signatures: ["a"],
      sources: [],
    });
    expect(historyOf([odd])).toMatchObject([{ what: "unknown" }]);
  });

  it("has packages that are found by all words of their name and version", () => {
    const packages = [
      { name: "libstdc++6", version: "12.2" },
      { name: "libgcc-s1", version: "12.2" },
      { name: "make", version: undefined },
    ];
    const found = (search: string) => findPackages(packages, search).map(({ name }) => name);
    expect(found(" LIB 12 ")).toEqual(["libstdc++6", "libgcc-s1"]);
    expect(found("c++")).toEqual(["libstdc++6"]);
    expect(found("make 12")).toEqual([]);
    expect(found(" ")).toHaveLength(3);
  });
});
