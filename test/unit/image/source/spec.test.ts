import { describe, expect, it } from "vitest";
import { tryParseUrlPrefix } from "../../../../src/base/url-prefix.ts";
import { parsePayload } from "../../../../src/feature/payload.ts";
import { EVERY_SOURCE, type ImageSourcePolicy } from "../../../../src/image/source/policy.ts";
import { type ImageSpec, parseImageSpec } from "../../../../src/image/source/spec.ts";

const taskId = "fN1SbArXTPSVFNUvaOlinQ";
const [sha256, sha512, sha1, md5] = ["0".repeat(64), "1".repeat(128), "2".repeat(40), "3".repeat(32)];
const url = "https://images.example.com/a.tar.zst";

describe("the image of a task", () => {
  it.each<[object, object]>([
    [
      { url, md5 },
      { kind: "url", url, digests: { md5 } },
    ],
    [
      { url, sha256, sha512, sha1, md5 },
      { kind: "url", url, digests: { sha256, sha512, sha1, md5 } },
    ],
    [
      { taskId, artifact: "a" },
      { kind: "artifact", reference: { taskId, artifact: "a" }, digests: {} },
    ],
    [
      { taskId, runId: 0, artifact: "a" },
      { kind: "artifact", reference: { taskId, runId: 0, artifact: "a" }, digests: {} },
    ],
    [
      { namespace: "a.b", artifact: "c", sha256 },
      { kind: "artifact", reference: { namespace: "a.b", artifact: "c" }, digests: { sha256 } },
    ],
  ])("is taken apart: %j", (spec, parsed) => {
    expect(parseImageSpec(spec as ImageSpec)).toEqual(parsed);
  });

  it.each<[object, string, string]>([
    [{}, "image", "must have url and a digest, taskId and artifact, or namespace and artifact"],
    [{ sha256 }, "image", "must have url"],
    [{ url }, "image.sha256", "is missing; a url needs it, or another digest: sha512, sha1, md5"],
    [{ url, sha256, taskId, artifact: "a" }, "image", "has url and taskId, and can have only one of them"],
    [{ taskId, namespace: "a", artifact: "a" }, "image", "has taskId and namespace"],
    [{ url, sha256, artifact: "a" }, "image.artifact", "is not for a url"],
    [{ url, sha256, runId: 0 }, "image.runId", "is for a taskId"],
    [{ namespace: "a", artifact: "a", runId: 0 }, "image.runId", "is for a taskId"],
    [{ taskId }, "image.artifact", "is missing"],
    [{ namespace: "a" }, "image.artifact", "is missing"],
    [{ taskId: "short", artifact: "a" }, "image.taskId", "must be the id of a task"],
    [{ taskId, artifact: "" }, "image.artifact", "must not be empty"],
    [{ taskId, artifact: "a", runId: -1 }, "image.runId", "must be at least 0"],
    [{ namespace: "a..b", artifact: "a" }, "image.namespace", "must be an index path"],
    [{ url, md5: "A".repeat(32) }, "image.md5", "must be an MD5 digest"],
    [{ url, sha1: "1" }, "image.sha1", "must be a SHA-1 digest"],
    [{ url, sha512: "1" }, "image.sha512", "must be a SHA-512 digest"],
    [{ url: "ftp://a/b", sha256 }, "image.url", "must be an http:// or https:// URL"],
    [{ url, sha265: sha256 }, "image.sha265", "is not a known key; did you mean"],
  ])("is refused with the field and the rule: %j", (image, path, rule) => {
    expect(issuesOf(image)).toContainEqual({ path, message: expect.stringContaining(rule) });
  });
});

describe("what a worker allows", () => {
  const nothing: ImageSourcePolicy = { allowPaths: false, allowUrls: false, allowArtifacts: false };
  const allow = ["https://images.example.com/ci/", "http://files.internal:8080"].map((text) => {
    const prefix = tryParseUrlPrefix(text);
    if (prefix === undefined) throw new Error(text);
    return prefix;
  });
  const listed: ImageSourcePolicy = { ...nothing, allowUrls: allow };

  it.each<[ImageSourcePolicy, unknown, string, string]>([
    [nothing, "/images/a.tar.zst", "image", "images.allowPaths"],
    [nothing, url, "image", "images.allowUrls"],
    [nothing, "file:///etc/passwd", "image", "images.allowUrls"],
    [nothing, { url, sha256 }, "image.url", "images.allowUrls"],
    [nothing, { taskId, artifact: "a" }, "image", "images.allowArtifacts"],
    [nothing, { namespace: "a", artifact: "a" }, "image", "images.allowArtifacts"],
    [listed, { url, sha256 }, "image.url", "https://images.example.com/ci/, http://files.internal:8080"],
    [listed, "https://images.example.com.evil.example/ci/a", "image", "images.allowUrls"],
    [listed, "http://files.internal/a", "image", "images.allowUrls"],
    [{ ...nothing, allowUrls: [] }, url, "image", "nothing; see images.allowUrls"],
  ])("is said in the refusal of the payload: %#", (policy, image, path, rule) => {
    expect(issuesOf(image, policy)).toEqual([{ path, message: expect.stringContaining(rule) }]);
  });

  it.each<[ImageSourcePolicy, unknown]>([
    [nothing, "debian-minimal"],
    [listed, "https://images.example.com/ci/a.tar.zst"],
    [listed, { url: "http://files.internal:8080/a", sha256 }],
    [
      { ...nothing, allowUrls: true },
      { url, sha256 },
    ],
    [EVERY_SOURCE, "/images/a.tar.zst"],
    [EVERY_SOURCE, { taskId, artifact: "a" }],
  ])("is no issue: %#", (policy, image) => {
    expect(issuesOf(image, policy)).toEqual([]);
  });
});

function issuesOf(image: unknown, images: ImageSourcePolicy = EVERY_SOURCE): unknown {
  try {
    parsePayload({ image, command: ["true"] }, { subject: "The task", blame: "task", images });
    return [];
  } catch (error) {
    return (error as { issues: unknown }).issues;
  }
}
