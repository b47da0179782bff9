import { describe, expect, it } from "vitest";
import { type Accounts, addUsers, datedShadow, ownerOf } from "../../../../src/builder/debian/accounts.ts";
import { installedPackages } from "../../../../src/builder/debian/packages.ts";
import type { RecipeUser } from "../../../../src/builder/recipe.ts";

const before: Accounts = {
  passwd: "root:x:0:0:root:/root:/bin/bash\nman:x:6:12:man:/var/cache/man:/usr/sbin/nologin\n",
  group: "root:x:0:\nadm:x:4:man\nsudo:x:27:\ntaken:x:1001:\n",
  shadow: "root:*:19000:0:99999:7:::\n",
};

function user(name: string, more: Partial<RecipeUser> = {}): RecipeUser {
  return { name, uid: undefined, groups: [], shell: "/bin/sh", authorizedKeys: [], ...more };
}

describe("addUsers", () => {
  it("adds users, their groups and no passwords", () => {
    const after = addUsers(before, [
      user("one", { groups: ["adm", "sudo"] }),
      user("two", { uid: 2_000, groups: ["adm"] }),
    ]);
    expect(after.passwd).toBe(
      `${before.passwd}one:x:1002:1002::/home/one:/bin/sh\ntwo:x:2000:2000::/home/two:/bin/sh\n`,
    );
    expect(after.group).toBe(
      "root:x:0:\nadm:x:4:man,one,two\nsudo:x:27:one\ntaken:x:1001:\none:x:1002:\ntwo:x:2000:\n",
    );
    expect(after.shadow).toBe(`${before.shadow}one:!::::::\ntwo:!::::::\n`);
  });

  it("says which of the recipe's users cannot be", () => {
    const users = [user("boxcar", { uid: 1_000 }), user("man"), user("x", { uid: 6, groups: ["wheel"] })];
    const add = () => addUsers(before, users, 1);
    expect(add).toThrow("users[0].name: is a user already: man");
    expect(add).toThrow("users[1].uid: is that of another user already: 6");
    expect(add).toThrow("users[1].groups[0]: is no group of the image: wheel");
  });
});

it("finds the numbers of who a file belongs to", () => {
  expect(ownerOf(before, { user: "man", group: "adm" })).toEqual({ uid: 6, gid: 4 });
  expect(() => ownerOf(before, { user: "nobody", group: "adm" }, "files[3].owner")).toThrow("files[3].owner");
});

it("takes the day of the build out of shadow, and no other", () => {
  expect(datedShadow("a:*:20000:0:::::\nb:!:18000::::::\nc:!::::::\n", 19_000 * 86_400)).toBe(
    "a:*:19000:0:::::\nb:!:18000::::::\nc:!::::::\n",
  );
});

it("lists what is installed, and not what was", () => {
  const paragraph = (name: string, status: string) =>
    `Package: ${name}\nStatus: ${status}\nVersion: 1:2-3\nProvides: x`;
  const text = [paragraph("zlib", "install ok installed"), paragraph("gone", "deinstall ok config-files")];
  expect(installedPackages(`${[...text, paragraph("apt", "hold ok installed")].join("\n\n")}\n`)).toEqual([
    { name: "apt", version: "1:2-3" },
    { name: "zlib", version: "1:2-3" },
  ]);
});
