import { expect, it } from "vitest";
import type { MutableImage } from "../../../src/builder/mutable-image.ts";
import { provenanceOf } from "../../../src/builder/provenance.ts";
import type { Image } from "../../../src/image/store/image.ts";
import { parseAs } from "../../../src/schema/parse.ts";

const facts = { recipe: { name: "x" }, inputs: {}, builder: "boxcar", created: new Date(0), layer: false };
const made: MutableImage = {
  ...{ directory: "/nowhere", machine: { version: 2 }, packages: [], sources: [] },
  disk: { file: "/nowhere/disk.img", format: "raw" },
};

it("does not tell what is secret of an address", () => {
  const url = "https://user:word@example.org/a/disk.qcow2?token=secret#part";
  const sources = [{ kind: "disk", name: "disk.qcow2", url } as const];
  expect(provenanceOf({ ...made, sources }, facts).sources).toEqual([
    { kind: "disk", name: "disk.qcow2", url: "https://example.org/a/disk.qcow2" },
  ]);
});

it("can be of an image whose base has as long a history as there may be", () => {
  const history = Array.from({ length: 1_000 }, (_, index) => ({ what: `step ${index}` }));
  const image = { provenance: { name: "base", history } } as unknown as Image;
  const base = { image } as unknown as NonNullable<MutableImage["base"]>;
  const provenance = provenanceOf({ ...made, base }, facts);
  expect(provenance.history?.at(-1)?.what).toBe("built by the recipe x");
  expect(parseAs("image", provenance, { subject: "it", blame: "host" })).toEqual(provenance);
});
