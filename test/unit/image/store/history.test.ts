import { expect, it } from "vitest";
import { imageHistory } from "../../../../src/image/store/history.ts";

it("tells the newest step first, those of parents after those of children", () => {
  const child = {
    digest: "sha256:c" as const,
    provenance: {
      name: "child",
      created: "2026-11-21T12:00:00Z",
      history: [
        { what: "installed git", by: "boxcar 0.1.0", created: "2026-11-21T11:00:00Z" },
        { what: "ran make", by: "boxcar 0.1.0" },
      ],
    },
  };
  const parent = {
    digest: "sha256:p" as const,
    provenance: { name: "parent", created: "2026-11-20T12:00:00Z", builder: "boxcar 0.1.0", recipe: "debian-minimal" },
  };
  expect(imageHistory([child, parent])).toEqual([
    { image: "sha256:c", name: "child", created: undefined, by: "boxcar 0.1.0", what: "ran make" },
    { image: "sha256:c", name: "child", created: "2026-11-21T11:00:00Z", by: "boxcar 0.1.0", what: "installed git" },
    {
      image: "sha256:p",
      name: "parent",
      created: "2026-11-20T12:00:00Z",
      by: "boxcar 0.1.0",
      what: "built by the recipe debian-minimal",
    },
  ]);
  expect(child.provenance.history[0]?.what, "what was given is as it was").toBe("installed git");
});

it("leaves out no image, of which nothing may be known", () => {
  expect(imageHistory([{ digest: "sha256:x", provenance: undefined }])).toMatchObject([
    { image: "sha256:x", name: undefined, what: "unknown: it has no image.json" },
  ]);
});
