import { expect, test } from "vitest";
import { sourcesOfRelease } from "../../../../src/builder/debian/package-sources.ts";

test("suites are renamed, and nothing else", () => {
  const text = `Types: deb
URIs: https://mirror.example/bookworm/debian
Suites: bookworm bookworm-updates
 bookworm-backports
Components: main
Signed-By: /keys/bookworm.gpg
`;
  expect(sourcesOfRelease(text, "bookworm", "trixie")).toBe(
    text
      .replace("Suites: bookworm bookworm-updates", "Suites: trixie trixie-updates")
      .replace(" bookworm-b", " trixie-b"),
  );
});

test("the format of one line is known too", () => {
  const text = `# deb https://a.example/debian bookworm main
deb https://a.example/bookworm bookworm main
deb [signed-by=/k/bookworm.gpg arch=amd64] https://a.example/debian bookworm-security main
deb https://b.example/debian bullseye/updates main
`;
  expect(sourcesOfRelease(text, "bookworm", "sid")).toBe(`# deb https://a.example/debian bookworm main
deb https://a.example/bookworm sid main
deb [signed-by=/k/bookworm.gpg arch=amd64] https://a.example/debian sid-security main
deb https://b.example/debian bullseye/updates main
`);
  expect(sourcesOfRelease(text, "bullseye", "buster")).toContain("buster/updates");
});

test.each(["deb https://a.example/debian stable main\n", "Suites: stable bookwormish\n", ""])(
  "sources without the release are of none: %j",
  (text) => expect(sourcesOfRelease(text, "bookworm", "trixie")).toBeUndefined(),
);
