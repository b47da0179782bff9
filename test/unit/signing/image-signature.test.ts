import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { MAX_ENVELOPE_BYTES } from "../../../src/signing/dsse.ts";
import {
  claimedKeys,
  cosignImage,
  formatSignature,
  mergeSignatures,
  parseImageSignature,
  signImage,
  verifiedKeys,
} from "../../../src/signing/image-signature.ts";
import { generateKeys, keyId, parsePrivateKey, parsePublicKey } from "../../../src/signing/keys.ts";

function newKeys() {
  const { privatePem, publicPem } = generateKeys();
  return { secret: parsePrivateKey(privatePem), open: parsePublicKey(publicPem, "it"), publicPem };
}

const DIGEST = `sha256:${"ab".repeat(32)}`;
const OTHER = `sha256:${"cd".repeat(32)}`;
const [ann, bob, eve] = [newKeys(), newKeys(), newKeys()];
const signed = signImage({ digest: DIGEST, name: "debian", created: "2026-11-21T10:00:00Z" }, ann.secret);

const parse = (document: unknown, digest = DIGEST) =>
  parseImageSignature(Buffer.from(JSON.stringify(document)), digest);

describe("a signature of an image", () => {
  it("is by the key that made it, and by no other", () => {
    const read = parseImageSignature(Buffer.from(formatSignature(signed)), DIGEST);
    expect(read).toEqual(signed);
    expect(verifiedKeys(read, [eve.open, ann.open])).toEqual([keyId(ann.open)]);
    expect(verifiedKeys(read, [bob.open, eve.open])).toEqual([]);
    expect(keyId(ann.secret)).toBe(keyId(ann.open));
  });

  it("is what openssl verifies over the encoding that DSSE says", () => {
    const folder = mkdtempSync(join(tmpdir(), "boxcar-sign-"));
    const file = (name: string, content: string | Buffer) => {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    };
    const { payloadType, payload, signatures } = signed.envelope;
    const body = Buffer.from(payload, "base64").toString();
    const message = `DSSEv1 ${payloadType.length} ${payloadType} ${body.length} ${body}`;
    const args = ["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", file("key", ann.publicPem)];
    const sigfile = file("sig", Buffer.from(signatures[0]?.sig ?? "", "base64"));
    const output = execFileSync("openssl", [...args, "-in", file("message", message), "-sigfile", sigfile]);
    expect(output.toString()).toContain("Verified Successfully");
    rmSync(folder, { recursive: true });
  });

  it("can be of several keys, each once", () => {
    const both = cosignImage(cosignImage(signed, bob.secret), ann.secret);
    expect(both.envelope.signatures).toHaveLength(2);
    expect(verifiedKeys(both, [ann.open, bob.open])).toEqual([keyId(ann.open), keyId(bob.open)]);
    expect(claimedKeys(both).toSorted()).toEqual([keyId(ann.open), keyId(bob.open)].toSorted());
    const apart = signImage(signed.statement, bob.secret);
    expect(mergeSignatures(apart, signed)).toEqual(cosignImage(signed, bob.secret));
    expect(mergeSignatures(signed, signImage({ digest: OTHER }, bob.secret))).toBeUndefined();
  });

  it("is not crowded out by those of others", () => {
    const crowd = Array.from({ length: 64 }, (_, index) => ({ sig: Buffer.alloc(3, index).toString("base64") }));
    const crowded = parse({ ...signed.envelope, signatures: crowd });
    expect(verifiedKeys(cosignImage(crowded, bob.secret), [bob.open])).toEqual([keyId(bob.open)]);
    expect(verifiedKeys(mergeSignatures(signed, crowded) ?? crowded, [ann.open])).toEqual([keyId(ann.open)]);
  });

  it("of a key that counts is kept, however many others there are, and whoever came first", () => {
    const crowd = Array.from({ length: 64 }, (_, index) => ({ sig: Buffer.alloc(3, index).toString("base64") }));
    const crowded = parse({ ...signed.envelope, signatures: crowd });
    const merged = mergeSignatures(crowded, signed, [ann.open]);
    expect(merged && verifiedKeys(merged, [ann.open])).toEqual([keyId(ann.open)]);
  });

  it("is never joined to more than can be read again", () => {
    const crowd = (from: number) =>
      Array.from({ length: 40 }, (_, index) => ({
        keyid: "k".repeat(256),
        sig: Buffer.alloc(768, from + index).toString("base64"),
      }));
    const [one, other] = [0, 100].map((from) => parse({ ...signed.envelope, signatures: crowd(from) }));
    if (one === undefined || other === undefined) throw new Error("there are two");
    const merged = mergeSignatures(mergeSignatures(one, other) ?? one, signed, [ann.open]) ?? one;
    const read = parseImageSignature(Buffer.from(formatSignature(merged)), DIGEST);
    expect(verifiedKeys(read, [ann.open])).toEqual([keyId(ann.open)]);
    const added = cosignImage(mergeSignatures(one, other) ?? one, bob.secret);
    expect(parseImageSignature(Buffer.from(formatSignature(added)), DIGEST)).toEqual(added);
  });

  it("that says it is of a trusted key is not therefore", () => {
    const forged = structuredClone(signImage(signed.statement, eve.secret));
    for (const each of forged.envelope.signatures) each.keyid = keyId(ann.open);
    expect(verifiedKeys(parse(forged.envelope), [ann.open])).toEqual([]);
  });

  it("does not hold for another payload, or another type of it", () => {
    const moved = { ...signed.envelope, payload: Buffer.from(JSON.stringify({ digest: OTHER })).toString("base64") };
    expect(verifiedKeys(parse(moved, OTHER), [ann.open])).toEqual([]);
    expect(() => parse({ ...signed.envelope, payloadType: "text/plain" })).toThrow(/payloadType: must be/);
    expect(() => parse(signed.envelope, OTHER)).toThrow(/payload\.digest: is sha256:ab.*, not sha256:cd/);
  });

  it("of any length that is no signature is only not by anybody", () => {
    for (const sig of ["AAAA", Buffer.alloc(64).toString("base64"), Buffer.alloc(700).toString("base64")]) {
      expect(verifiedKeys(parse({ ...signed.envelope, signatures: [{ sig }] }), [ann.open])).toEqual([]);
    }
  });

  it.each<[string, unknown]>([
    ["no object", 5],
    ["without signatures", { ...signed.envelope, signatures: [] }],
    ["with more than there may be", { ...signed.envelope, signatures: Array(65).fill({ sig: "AAAA" }) }],
    ["with what nobody knows", { ...signed.envelope, more: 1 }],
    ["whose payload is no base64", { ...signed.envelope, payload: "%%%%" }],
    ["whose payload is spelt otherwise", { ...signed.envelope, payload: signed.envelope.payload.replace(/=*$/, "A") }],
    ["whose payload is no JSON", { ...signed.envelope, payload: Buffer.from("{").toString("base64") }],
    ["whose payload is no UTF-8", { ...signed.envelope, payload: Buffer.from([34, 255, 34]).toString("base64") }],
    ["whose payload is no statement", { ...signed.envelope, payload: Buffer.from("[]").toString("base64") }],
    ["that is huge", { ...signed.envelope, more: "x".repeat(MAX_ENVELOPE_BYTES) }],
    ["whose hint would colour a terminal", { ...signed.envelope, signatures: [{ sig: "AAAA", keyid: "\u001b[31m" }] }],
  ])("is refused: %s", (_what, document) => {
    expect(() => parse(document)).toThrow(expect.objectContaining({ code: "invalid-input", blame: "task" }));
  });

  it.each(["", "\0", "{", "[[[["])("is refused: %j", (text) => {
    expect(() => parseImageSignature(Buffer.from(text), DIGEST)).toThrow(/The signature has 1 issue/);
  });
});
