import { describe, expect, it } from "vitest";
import { connectionOfUrl, withoutSecrets } from "../../../src/queue/postgres/connection.ts";

describe("the description of a database", () => {
  it.each([
    ["postgres://me:secret@db.example.com:5433/boxcar?sslmode=require", "db.example.com:5433/boxcar"],
    ["postgres:///boxcar?host=/run/postgresql&password=secret", "/run/postgresql/boxcar"],
    ["host=db password=secret", "by its URL"],
  ])("has no secrets: %s", (url, expected) => {
    expect(withoutSecrets(url)).toBe(expected);
    expect(connectionOfUrl(url).description).not.toContain("secret");
  });
});
