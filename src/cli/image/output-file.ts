/** Where a command writes an archive. */
import { stat } from "node:fs/promises";
import { InvalidInputError } from "../../base/errors.ts";

/** Before anything is done for it. @throws {InvalidInputError} There is a folder of that name. */
export async function refuseFolder(file: string): Promise<void> {
  const isFolder = await stat(file).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
  if (!isFolder) return;
  const message = `${file} is a folder; name a file in it`;
  throw new InvalidInputError("The command line", [{ path: "--output", message }], "task");
}
