import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { buildManifest } from "../../../../src/feature/artifacts/manifest/build.ts";
import { parseAs } from "../../../../src/schema/parse.ts";
import { generateKeys, parsePrivateKey, parsePublicKey } from "../../../../src/signing/keys.ts";

const facts = {
  ...{ taskId: "a-task", runId: 0, worker: "here/1", payload: { command: ["true"], env: { B: "1", A: "2" } } },
  ...{ started: new Date("2026-11-21T08:00:00Z"), resolved: new Date("2026-11-21T08:01:00Z") },
};
const digest = { sizeBytes: 1, sha256: "a".repeat(64) };

describe("a manifest", () => {
  it("lists what a run was made of and has left, and nothing of this host", () => {
    const manifest = buildManifest(
      { ...facts, image: { digest: `sha256:${"b".repeat(64)}` }, machine: { memory: 256 }, accelerator: "tcg" },
      [
        { name: "log", ...digest, contentType: "text/plain", file: "/var/lib/secret/log", expiresAfterMs: 5 },
        { name: "gone", error: "file-missing-on-worker", message: "no /home/user/gone" },
        { name: "B", ...digest, contentEncoding: "zstd", content: digest },
      ],
    );
    expect(parseAs("manifest", manifest, { subject: "It", blame: "worker" })).toEqual(manifest);
    expect(manifest).toMatchObject({
      ...{ taskId: "a-task", runId: 0, worker: "here/1", machine: { memory: 256 }, accelerator: "tcg" },
      ...{ started: "2026-11-21T08:00:00.000Z", resolved: "2026-11-21T08:01:00.000Z" },
    });
    expect(manifest.artifacts).toEqual([
      { name: "B", ...digest, contentEncoding: "zstd", content: digest },
      { name: "gone", error: "file-missing-on-worker" },
      { name: "log", ...digest, contentType: "text/plain" },
    ]);
  });

  it("of a run without a machine says nothing of one", () => {
    expect(Object.keys(buildManifest(facts, []))).not.toContain("machine");
    expect(parseAs("manifest", buildManifest(facts, []), { subject: "It", blame: "worker" })).toMatchObject({
      runId: 0,
    });
  });

  it("has the digest of the payload, whatever the order of its keys", () => {
    const other = { ...facts, payload: { env: { A: "2", B: "1" }, command: ["true"] } };
    const { payload } = buildManifest(facts, []);
    // printf '{"command":["true"],"env":{"A":"2","B":"1"}}' | sha256sum
    expect(payload.sha256).toBe("e872d90d131b22c94d1f53e31f0fd6091b0c9fd957d551e78ee8902e30dacb80");
    expect(buildManifest(other, []).payload).toEqual(payload);
    expect(buildManifest({ ...facts, payload: {} }, []).payload).not.toEqual(payload);
  });
});

describe("the key of manifests", () => {
  it("is an Ed25519 key; others are refused, and never quoted", () => {
    const { privatePem, publicPem } = generateKeys();
    // As a secret is read from a file.
    expect(parsePrivateKey(privatePem.trimEnd()).type).toBe("private");
    expect(parsePublicKey(publicPem, "key.pub").type).toBe("public");
    const rsa = generateKeyPairSync("rsa", { modulusLength: 2_048 }).privateKey.export({
      type: "pkcs8",
      format: "pem",
    });
    expect(() => parsePrivateKey(rsa.toString())).toThrow("a key of type rsa");
    expect(() => parsePrivateKey("hunter2")).toThrow(/^(?!.*hunter2).*no key in PEM.*keygen/);
  });
});
