import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { requireVmName, resolveRef, resolveRefs } from "../../../src/hypervisor/refs.ts";

const machines = [
  { id: "abc111111111", name: "web" },
  { id: "abc222222222", name: "db" },
  { id: "def333333333" },
  { id: "fed444444444", name: "def" },
];

const hex = fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: 12, maxLength: 12 });
const name = fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,10}$/);

describe("what people say for a machine", () => {
  it("is its id, its name, or the beginning of its id", () => {
    expect(resolveRef(machines, "abc111111111").name).toBe("web");
    expect(resolveRef(machines, "db").id).toBe("abc222222222");
    expect(resolveRef(machines, "def3").id).toBe("def333333333");
    expect(resolveRef(machines, "abc2").name).toBe("db");
  });

  it("is a name before it is the beginning of an id", () => {
    expect(resolveRef(machines, "def").id).toBe("fed444444444");
  });

  it("is refused where it is none, or several", () => {
    expect(() => resolveRef(machines, "abc")).toThrow(/ambiguous.*abc111111111 \(web\), abc222222222 \(db\)/);
    expect(() => resolveRef(machines, "nothing")).toThrow(/there is no machine nothing;.*vm list/);
    expect(() => resolveRef(machines, "de")).toThrow(/3 digits or more/);
    expect(() => resolveRef(machines, "")).toThrow(/there is no machine/);
  });

  it("names each machine of a batch once, and none where one is bad", () => {
    expect(resolveRefs(machines, ["web", "abc1", "db"]).map(({ id }) => id)).toEqual(["abc111111111", "abc222222222"]);
    expect(() => resolveRefs(machines, ["web", "abc"])).toThrow(/ambiguous/);
  });

  it("finds every machine by its id and by its name, whatever the others are called", () => {
    const all = fc.uniqueArray(fc.record({ id: hex, name }), { selector: ({ id }) => id, maxLength: 20 });
    fc.assert(
      fc.property(all, (found) => {
        const ids = new Set(found.map(({ id }) => id));
        for (const machine of found) {
          expect(resolveRef(found, machine.id)).toBe(machine);
          const first = found.find((other) => other.name === machine.name);
          if (!ids.has(machine.name)) expect(resolveRef(found, machine.name)).toBe(first);
        }
      }),
    );
  });

  it("is unique where it is the beginning of an id, at every length", () => {
    const ids = fc.uniqueArray(hex, { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(ids, fc.nat(), fc.integer({ min: 3, max: 12 }), (found, which, length) => {
        const of = found.map((id) => ({ id }));
        const prefix = (found[which % found.length] as string).slice(0, length);
        const hits = found.filter((id) => id.startsWith(prefix));
        if (hits.length === 1) expect(resolveRef(of, prefix).id).toBe(hits[0]);
        else expect(() => resolveRef(of, prefix)).toThrow(/ambiguous/);
      }),
    );
  });
});

describe("a name", () => {
  it("is letters, digits, dots, underscores and dashes, and does not look like an id", () => {
    for (const good of ["web", "Web-1.2_x", "0", "a".repeat(63), "abcdef12345"]) requireVmName(good);
    for (const bad of ["", "-web", ".web", "a b", "a/b", "a".repeat(64), "ü", "abcdef123456", "a\n"]) {
      expect(() => requireVmName(bad), bad).toThrow();
    }
  });
});
