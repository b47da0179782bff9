import fc from "fast-check";
import { expect, it } from "vitest";
import { nextToCollect } from "../../../../src/image/store/collect-order.ts";

interface Listed {
  digest: `sha256:${string}`;
  parent: `sha256:${string}` | undefined;
  tags: string[];
}

/** Each may lie on one that was made before it; in any order of use. */
const stores = fc
  .array(fc.record({ parent: fc.option(fc.nat()), isNamed: fc.boolean(), isUsed: fc.boolean(), age: fc.nat() }), {
    maxLength: 12,
  })
  .map((drafts) => {
    const images = drafts.map(
      ({ parent, isNamed }, index): Listed => ({
        digest: `sha256:${index}`,
        parent: parent === null || index === 0 ? undefined : `sha256:${parent % index}`,
        tags: isNamed ? ["name"] : [],
      }),
    );
    const byAge = images.map((image, index) => ({ image, age: drafts[index]?.age ?? 0 })).sort((a, b) => a.age - b.age);
    return { images: byAge.map(({ image }) => image), used: images.filter((_, index) => drafts[index]?.isUsed) };
  });

it("an image goes after all that lie on it, and only those go that have no name and nobody uses or lies on", () => {
  fc.assert(
    fc.property(stores, ({ images, used }) => {
      const left = new Set(images);
      const kept = new Set<Listed>();
      for (let next = nextToCollect(left, kept); next !== undefined; next = nextToCollect(left, kept)) {
        const { digest, tags } = next;
        expect([...left].some(({ parent }) => parent === digest)).toBe(false);
        expect(tags).toEqual([]);
        if (used.includes(next)) kept.add(next);
        else left.delete(next);
      }
      const mustStay = (image: Listed): boolean =>
        image.tags.length > 0 || used.includes(image) || images.some((c) => c.parent === image.digest && mustStay(c));
      expect(new Set(left)).toEqual(new Set(images.filter(mustStay)));
    }),
  );
});

it("the least recently used goes first", () => {
  const images = ["sha256:b", "sha256:a"].map(
    (digest): Listed => ({
      digest: digest as Listed["digest"],
      parent: undefined,
      tags: [],
    }),
  );
  expect(nextToCollect(new Set(images), new Set())).toBe(images[0]);
});
