import { describe, expect, it } from "vitest";
import {
  mayDo,
  PERMISSIONS,
  type Permission,
  permissionsOf,
  ROLES,
  type Role,
  tryParseRole,
} from "../../../src/access/role.ts";

const TABLE: Record<Role, Record<Permission, boolean>> = {
  viewer: { read: true, submit: false, control: false, operate: false, administer: false },
  submitter: { read: true, submit: true, control: false, operate: false, administer: false },
  operator: { read: true, submit: true, control: true, operate: true, administer: false },
  admin: { read: true, submit: true, control: true, operate: true, administer: true },
};

const cells = ROLES.flatMap((role) => PERMISSIONS.map((permission) => ({ role, permission })));

describe("a role", () => {
  it.each(cells)("of a $role and the permission to $permission", ({ role, permission }) => {
    expect(mayDo(role, permission)).toBe(TABLE[role][permission]);
    expect(permissionsOf(role).includes(permission)).toBe(TABLE[role][permission]);
  });

  it("may all that those before it may", () => {
    for (const [index, role] of ROLES.entries()) {
      for (const lesser of ROLES.slice(0, index))
        expect(permissionsOf(role)).toEqual(expect.arrayContaining([...permissionsOf(lesser)]));
    }
  });

  it("has a name, and nothing else is one", () => {
    expect(ROLES.map(tryParseRole)).toEqual(ROLES);
    for (const text of ["", "Admin", "root", "constructor", "__proto__", "admin "])
      expect(tryParseRole(text)).toBeUndefined();
  });
});
