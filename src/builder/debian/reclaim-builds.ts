/** What builds have left whose process was killed. */
import { rm } from "node:fs/promises";
import { codeOf } from "../../base/errors.ts";
import { reclaimDirectories } from "../../host/owned-directory.ts";
import { openNamespace, removeTree } from "./namespace.ts";

/** @param parent Absolute path of the folder of work folders. */
export async function reclaimBuilds(parent: string): Promise<void> {
  await reclaimDirectories(parent, async (path) => {
    try {
      await rm(path, { recursive: true, force: true });
    } catch (error) {
      if (codeOf(error) !== "EACCES" && codeOf(error) !== "EPERM") throw error;
      // Files of a system that was made without root are of users whom only its namespace knows.
      await removeTree(path, await openNamespace());
    }
  });
}
