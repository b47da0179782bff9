/** Answers that can be found again, kept in files; whatever is wrong with one, it counts as not there. */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { currentOwner } from "./owner.ts";

/** What {@link writeCache} wrote, or an older version of this program did. */
export async function readCache<T>(file: string): Promise<Partial<T> | undefined> {
  return await readFile(file, "utf8")
    .then((text) => JSON.parse(text) as Partial<T>)
    .catch(() => undefined);
}

let drafts = 0;

/** Anybody may write it at the same time, this process too; each reader gets one of the answers whole. */
export async function writeCache(file: string, answer: object): Promise<void> {
  const { pid } = await currentOwner();
  await mkdir(dirname(file), { recursive: true });
  const draft = `${file}.${pid}-${drafts++}`;
  await writeFile(draft, `${JSON.stringify(answer)}\n`);
  await rename(draft, file);
}
