import { chown, mkdir, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa, execaSync } from "execa";
import { afterEach, beforeEach, expect, it } from "vitest";

const BOXCAR = fileURLToPath(new URL("../../../bin/boxcar.js", import.meta.url));

/** The user who owns nothing. */
const NOBODY = 65_534;

const AS_NOBODY = ["setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups", "--"] as const;

const isRoot = process.getuid?.() === 0;

/** A checkout in a folder that only root may enter is nothing to other users. */
const isReadable =
  isRoot && execaSync(AS_NOBODY[0], [...AS_NOBODY.slice(1), "test", "-r", BOXCAR], { reject: false }).exitCode === 0;

let folder: string;
let rootFolder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bxu-"));
  rootFolder = await mkdtemp(join(tmpdir(), "bxu-"));
});

afterEach(async () => {
  for (const path of [folder, rootFolder]) await rm(path, { recursive: true });
});

/** @param prefix Before the command: who runs it, and where. */
function boxcar(prefix: readonly string[], ...args: string[]) {
  const [program = "", ...rest] = [...prefix, process.execPath, BOXCAR, "queue", ...args];
  const env = {
    ...{ PATH: "/usr/bin:/bin", HOME: folder },
    ...{ BOXCAR_STATE_DIR: join(folder, "state"), BOXCAR_RUN_DIR: join(folder, "run") },
  };
  return execa(program, rest, { cwd: "/", env, extendEnv: false, reject: false });
}

it.skipIf(!isReadable)("serves a user without rights, and is his alone", async () => {
  await chown(folder, NOBODY, NOBODY);
  const submitted = await boxcar(AS_NOBODY, "submit", "--", "true");
  expect(submitted).toMatchObject({ exitCode: 0, stderr: "" });
  const listed = await boxcar(AS_NOBODY, "list", "--json");
  expect(JSON.parse(listed.stdout)).toMatchObject([{ taskId: submitted.stdout, state: "pending" }]);
  expect(await stat(join(folder, "state/queue/data"))).toMatchObject({ uid: NOBODY, gid: NOBODY });
  // Root runs it as another user, and says so; it stays as it was.
  const asRoot = await boxcar(["env", `BOXCAR_RUN_DIR=${join(rootFolder, "run")}`], "list");
  expect(asRoot).toMatchObject({ exitCode: 3, stdout: "" });
  expect(asRoot.stderr).toMatch(new RegExp(`belongs to user ${NOBODY}.*start Boxcar as who made it`));
  expect(await boxcar(AS_NOBODY, "show", submitted.stdout)).toMatchObject({ exitCode: 0 });
});

it.skipIf(!isRoot)("says what to install where there is no PostgreSQL", async () => {
  const empty = join(folder, "empty");
  await mkdir(empty);
  // In a view of the file system of its own, in which nothing is installed.
  const hidden = ["unshare", "-m", "sh", "-c", `mount --bind ${empty} /usr/lib/postgresql && exec "$@"`, "sh"];
  const { exitCode, stdout, stderr } = await boxcar(hidden, "list");
  expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: "" });
  expect(stderr).toMatch(/^boxcar: .*needs PostgreSQL 15 or newer: apt-get install postgresql-15 .*queue\.driver/);
});
