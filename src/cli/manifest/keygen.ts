/** Writes a new pair of keys. */
import { open } from "node:fs/promises";
import { codeOf, WorkerError } from "../../base/errors.ts";
import { generateKeys } from "../../signing/keys.ts";

/** @throws {WorkerError} `file-exists`: a key that is lost cannot be made again. */
export async function writeKeys(privateFile: string): Promise<{ privateFile: string; publicFile: string }> {
  const publicFile = `${privateFile}.pub`;
  const { privatePem, publicPem } = generateKeys();
  await writeNew(privateFile, privatePem, 0o600);
  await writeNew(publicFile, publicPem, 0o644);
  return { privateFile, publicFile };
}

async function writeNew(path: string, text: string, mode: number): Promise<void> {
  try {
    await using file = await open(path, "wx", mode);
    await file.writeFile(text);
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
    const message = `${path} is there already, and is not replaced; move it away, or choose another name`;
    throw new WorkerError(message, { code: "file-exists", blame: "task" });
  }
}
