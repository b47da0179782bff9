import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formsOf } from "../../../../src/log/mask/secret-forms.ts";
import { type Secret, SecretMask } from "../../../../src/log/mask/secret-mask.ts";

const TOKEN = "s3cr3t/To+ken=ä";

function masked(text: string, value = TOKEN): string {
  return SecretMask.build([{ name: "TOKEN", value }]).apply(text);
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

/** What the mask is to do, said in the simplest way. */
function maskNaively(secrets: readonly Secret[], text: Buffer): string {
  const found = secrets.flatMap(({ name, value }, label) =>
    formsOf(value).flatMap((needle) => {
      const places: { begin: number; end: number; name: string; label: number; size: number }[] = [];
      for (let at = text.indexOf(needle); at !== -1; at = text.indexOf(needle, at + 1)) {
        places.push({ begin: at, end: at + needle.length, name, label, size: needle.length });
      }
      return places;
    }),
  );
  const covered = new Set(found.flatMap(({ begin, end }) => range(begin, end)));
  const joined = new Set(found.flatMap(({ begin, end }) => range(begin + 1, end)));
  const pieces = range(0, text.length).map((at) => {
    if (!covered.has(at)) return text.subarray(at, at + 1);
    if (joined.has(at)) return Buffer.alloc(0);
    let end = at + 1;
    while (joined.has(end)) end++;
    const inside = found.filter((place) => place.begin >= at && place.end <= end);
    const size = Math.max(...inside.map((place) => place.size));
    const names = inside.filter((place) => place.size === size).sort((a, b) => a.end - b.end || a.label - b.label);
    return Buffer.from(`[secret ${names[0]?.name}]`);
  });
  return Buffer.concat(pieces).toString("latin1");
}

function range(begin: number, end: number): number[] {
  return Array.from({ length: Math.max(0, end - begin) }, (_, i) => begin + i);
}

function maskInPieces(mask: SecretMask, text: Buffer, cuts: readonly number[]): { output: string; held: number[] } {
  const scanner = mask.scanner();
  const held: number[] = [];
  const output: Buffer[] = [];
  const places = [...cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b), text.length];
  places.forEach((end, i) => {
    output.push(...scanner.push(text.subarray(places[i - 1] ?? 0, end)));
    held.push(scanner.heldBytes);
  });
  return { output: Buffer.concat([...output, ...scanner.flush()]).toString("latin1"), held };
}

/** Few letters, so that values overlap each other and themselves. */
const overlappingSecrets = fc
  .array(fc.string({ unit: fc.constantFrom("a", "b"), minLength: 8, maxLength: 14 }), { minLength: 1, maxLength: 4 })
  .map((values) => values.map((value, i) => ({ name: `S${i}`, value })));

const anySecrets = fc
  .array(fc.string({ unit: "grapheme", minLength: 8, maxLength: 40 }), { minLength: 1, maxLength: 3 })
  .map((values) => values.map((value, i) => ({ name: `S${i}`, value: `${value}${"x".repeat(8)}` })));

describe("SecretMask", () => {
  it("puts the name of a secret in its place", () => {
    expect(masked(`login with ${TOKEN}!`)).toBe("login with [secret TOKEN]!");
  });

  it.each([
    ["JSON", JSON.stringify({ key: 'quo"te\\d\n/secret', n: 1 }), 'quo"te\\d\n/secret'],
    ["JSON with escaped slashes", '{"key":"quo\\"te\\\\d\\/secret"}', 'quo"te\\d/secret'],
    ["JSON in ASCII", '{"key":"s\\u00e4cret-\\u20ac\\u00e4"}', "säcret-€ä"],
    ["JSON in ASCII, upper case", '{"key":"s\\u00E4cret-\\u20AC\\u00E4"}', "säcret-€ä"],
    ["JSON for HTML", '{"key":"a\\u003cb\\u0026c-secret"}', "a<b&c-secret"],
    ["encodeURIComponent", `?key=${encodeURIComponent("it's a s/cret (ä)!")}&n=1`, "it's a s/cret (ä)!"],
    ["encodeURI", encodeURI("https://host/?key=it's a s/cret (ä)!"), "it's a s/cret (ä)!"],
    ["lower-case percents", "key=s%2fcret%3d%c3%a4", "s/cret=ä"],
    ["a form", new URLSearchParams({ key: "it's a s/cret~ (ä)!" }).toString(), "it's a s/cret~ (ä)!"],
    ["a shell's trace", "+ curl -H 'it'\\''s secret'", "it's secret"],
  ])("finds it in %s", (_form, text, value) => {
    const output = masked(text, value);
    expect(output).toContain("[secret TOKEN]");
    expect(output.replace("[secret TOKEN]", "")).not.toMatch(/cret|%c3|\\u00/i);
  });

  it.each(["", "=", "=="])("finds it in base64, standard and for URLs, where the padding is %j", (padding) => {
    const value = { "": "nine byte", "=": "eight by", "==": "ten bytes." }[padding] ?? "";
    expect(base64(value).endsWith(`${padding}`)).toBe(true);
    for (const text of [base64(value), base64(value).replace(/=+$/, ""), Buffer.from(value).toString("base64url")]) {
      expect(masked(`x ${text} y`, value)).toBe("x [secret TOKEN] y");
    }
  });

  it.each(["", "u:", "us:", "use:", "user:"])("finds it inside of a longer text in base64, after %j", (before) => {
    for (const after of ["", "\n", "@h", "@host"]) {
      const output = masked(`Basic ${base64(before + TOKEN + after)};`);
      const [begin = "", end = ""] = output.replace(/^Basic |;$/g, "").split("[secret TOKEN]");
      expect(output).toContain("[secret TOKEN]");
      // What is left tells no more of it than 4 bits at each end.
      const beginBytes = Math.ceil((before.length * 4) / 3);
      expect(begin.length).toBeLessThanOrEqual(beginBytes);
      expect(end.length).toBeLessThanOrEqual(Math.ceil((after.length + 2) / 3) * 4);
    }
  });

  it.each([64, 76])("finds it in base64 of %i columns", (columns) => {
    const value = "0123456789".repeat(20);
    const lines = (base64(value).match(new RegExp(`.{1,${columns}}`, "g")) ?? []).join("\n");
    expect(masked(`${lines}\n`, value)).toBe("[secret TOKEN]\n");
  });

  it("finds the lines of a secret, and all of it with the line ends of a terminal", () => {
    const value = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nshort\n-----END KEY-----\n";
    expect(masked("a MIIEvQIBADANBgkq b short", value)).toBe("a [secret TOKEN] b short");
    expect(masked(value, value)).toBe("[secret TOKEN]\n");
    expect(masked(value.replaceAll("\n", "\r\n"), value)).toBe("[secret TOKEN]\r\n");
  });

  it("finds it in the name of a host, which is in small letters wherever it is resolved", () => {
    expect(masked("asked for ghp_abc-123.example.org", "ghp_ABC-123")).toBe("asked for [secret TOKEN].example.org");
    expect(masked("s3cr3t/to+ken=ä")).toBe("s3cr3t/to+ken=ä");
  });

  it("masks a secret that goes on from another one as the longer one", () => {
    const mask = SecretMask.build([
      { name: "SHORT", value: "password" },
      { name: "LONG", value: "password-of-admin" },
    ]);
    expect(mask.apply("password password-of-admin")).toBe("[secret SHORT] [secret LONG]");
    expect(mask.apply("password-of-nobody")).toBe("[secret SHORT]-of-nobody");
  });

  it("leaves nothing of secrets that overlap", () => {
    const mask = SecretMask.build([
      { name: "A", value: "abcdefghij" },
      { name: "B", value: "hijklmnopqrs" },
    ]);
    expect(mask.apply("<abcdefghijklmnopqrs>")).toBe("<[secret B]>");
  });

  it.each(["[secret X] ", "*secret*", "]bracket", "bracket[", "******** "])(
    "puts nothing in the place of %j that belongs to it",
    (value) => {
      const mask = SecretMask.build([{ name: "X", value }]);
      const output = mask.apply(`${value}${value} and ${value.trim().slice(1)}, ${value.trim().slice(0, -1)}${value}`);
      expect(output).not.toContain(value.trim());
    },
  );

  it("holds back only what a secret can begin with", () => {
    const scanner = SecretMask.build([{ name: "A", value: "password-1" }]).scanner();
    const push = (text: string) => Buffer.concat(scanner.push(Buffer.from(text))).toString();
    expect(push("the pass")).toBe("the ");
    expect(push("ing of pas")).toBe("passing of ");
    expect(push("sword-")).toBe("");
    expect(push("1")).toBe("[secret A]");
    expect(scanner.heldBytes).toBe(0);
    expect(push("my password")).toBe("my ");
    expect(Buffer.concat(scanner.flush()).toString()).toBe("password");
  });

  it("refuses what it cannot mask", () => {
    const build = (value: string) => () => SecretMask.build([{ name: "PIN", value }]);
    expect(build("1234567\n")).toThrow("the secret PIN has 7 bytes; what has less than 8 cannot be masked in the log");
    expect(build("x".repeat(65_537))).toThrow("has more than 65536 bytes");
    expect(build("12345678")).not.toThrow();
    const many = ["a", "b", "c"].map((letter) => ({ name: letter, value: letter.repeat(60_000) }));
    expect(() => SecretMask.build(many)).toThrow("may have 131072 bytes together");
  });

  it("finds all that is to be found, however secrets overlap, wherever the text is cut", () => {
    const texts = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 120 });
    fc.assert(
      fc.property(overlappingSecrets, texts, fc.array(fc.nat(), { maxLength: 12 }), (secrets, text, cuts) => {
        const bytes = Buffer.from(text);
        const mask = SecretMask.build(secrets);
        const { output, held } = maskInPieces(mask, bytes, cuts);
        expect(output).toBe(maskNaively(secrets, bytes));
        expect(Math.max(...held)).toBeLessThan(mask.longestNeedleBytes);
      }),
      { numRuns: 1_000 },
    );
  });

  it("lets no form of a secret through, wherever the text is cut", () => {
    const run = fc.gen().map((next) => {
      const secrets = next(() => anySecrets);
      const needles = secrets.flatMap(({ value }) => formsOf(value));
      const pieces = next(() =>
        fc.array(fc.oneof(fc.constantFrom(...needles), fc.uint8Array({ maxLength: 6 })), { maxLength: 8 }),
      );
      const cuts = next(() => fc.array(fc.nat(), { maxLength: 8 }));
      return { secrets, needles, text: Buffer.concat(pieces), cuts };
    });
    fc.assert(
      fc.property(run, ({ secrets, needles, text, cuts }) => {
        const mask = SecretMask.build(secrets);
        const { output } = maskInPieces(mask, text, cuts);
        const bytes = Buffer.from(output, "latin1");
        expect(needles.some((needle) => bytes.includes(needle))).toBe(false);
        expect(output).toBe(maskInPieces(mask, text, []).output);
      }),
      { numRuns: 300 },
    );
  });

  it("is a stream as well", async () => {
    const mask = SecretMask.build([{ name: "A", value: "password-1" }]).transform();
    const output = mask.setEncoding("utf8").toArray();
    for (const part of ["a pass", "word-", "1 and pass"]) mask.write(part);
    mask.end();
    expect((await output).join("")).toBe("a [secret A] and pass");
  });
});
