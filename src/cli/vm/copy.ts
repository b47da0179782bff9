/** `boxcar vm cp`: files and folders, by the agent of the guest. */
import { createReadStream, createWriteStream } from "node:fs";
import { readdir, readlink, rename, rm, stat } from "node:fs/promises";
import { basename, join, posix, relative, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { InvalidInputError } from "../../base/errors.ts";
import { safeRelativePath } from "../../guest/safe-path.ts";
import { VmError } from "../../hypervisor/errors.ts";
import type { LiveVm } from "../../hypervisor/hypervisor.ts";
import { type CliContext, print } from "../context.ts";
import { readablePath, writableFile } from "../named-files.ts";
import { parsePlace } from "./flags.ts";
import { ready } from "./guest.ts";
import type { Invocation } from "./look.ts";
import { openHypervisor } from "./open-hypervisor.ts";

export interface CopyFlags {
  user?: string;
}

/** What is a folder, or ends with a slash, gets what is copied into it; several files have to have one. */
export async function copy(
  sources: readonly string[],
  target: string,
  { user }: CopyFlags,
  { context, command }: Invocation,
): Promise<void> {
  const to = parsePlace(target);
  const from = sources.map(parsePlace);
  const isInto = to.machine !== undefined;
  if (from.some(({ machine }) => (machine === undefined) !== isInto)) {
    throw mistake("files go from here into a machine, as NAME:PATH, or out of one");
  }
  for (const { path } of [...from, to]) if (path === "") throw mistake("a path must follow NAME:, as in NAME:/srv");
  if (isInto) for (const { path } of from) await readablePath(path, "<file>", context);
  await using opened = await openHypervisor(context, command);
  const isMany = sources.length > 1;
  if (isInto) {
    const live = await ready(opened.hypervisor, to.machine ?? "", context.signal);
    const { signal } = context;
    const into: Into = { live, user, signal };
    const isFolder = isMany || to.path.endsWith("/") || (await isGuestFolder(to.path, into));
    for (const { path } of from) {
      const source = resolve(context.cwd, path);
      await copyInto(source, isFolder && !isContent(path) ? posix.join(to.path, basename(source)) : to.path, into);
    }
    return;
  }
  const place = resolve(context.cwd, to.path);
  const isFolder = isMany || to.path.endsWith("/") || (await isFolderHere(place));
  for (const { machine, path } of from) {
    const live = await ready(opened.hypervisor, machine ?? "", context.signal);
    await copyOut(live, path, isFolder && !isContent(path) ? join(place, posix.basename(path)) : place, context);
  }
}

/** `.`, or `src/.`: what is in it, and not the folder. */
function isContent(path: string): boolean {
  return path === "." || path.endsWith("/.");
}

interface Into {
  readonly live: LiveVm;
  readonly user: string | undefined;
  readonly signal: AbortSignal;
}

async function isGuestFolder(path: string, { live, signal }: Into): Promise<boolean> {
  return (await live.exec(["sh", "-c", '[ -d "$1" ]', "sh", path], { onOutput: () => {}, user: "root", signal })) === 0;
}

async function isFolderHere(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function copyInto(source: string, target: string, into: Into): Promise<void> {
  if (!(await stat(source)).isDirectory()) return await put(source, target, into);
  const entries = await readdir(source, { recursive: true, withFileTypes: true });
  const pathOf = (file: string) => posix.join(target, relative(source, file));
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ parentPath, name }) => join(parentPath, name));
  // Empty ones, too.
  for (const words of inParts([target, ...folders.map(pathOf)])) await inGuest(["mkdir", "-p", "--", ...words], into);
  for (const entry of entries) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isFile()) await put(file, pathOf(file), into);
    if (entry.isSymbolicLink()) await inGuest(["ln", "-sfn", "--", await readlink(file), pathOf(file)], into);
  }
}

async function put(file: string, path: string, { live, user, signal }: Into): Promise<void> {
  const { mode } = await stat(file);
  const options = { mode: mode & 0o777, signal, ...(user === undefined ? {} : { user }) };
  await live.putFile(path, createReadStream(file), options);
}

async function inGuest(words: readonly string[], { live, user = "root", signal }: Into): Promise<void> {
  let output = "";
  const onOutput = (chunk: Buffer) => {
    output += chunk.toString("utf8");
  };
  const code = await live.exec(words, { onOutput, user, signal });
  if (code !== 0) throw new VmError("vm-invalid", `the machine says: ${output.trim() || `${words[0]} failed`}`);
}

/** As many as fit into one command. */
function* inParts(words: readonly string[]): Generator<string[]> {
  let part: string[] = [];
  let length = 0;
  for (const word of words) {
    if (part.length > 0 && length + word.length > MAX_PART) {
      yield part;
      [part, length] = [[], 0];
    }
    part.push(word);
    length += word.length;
  }
  if (part.length > 0) yield part;
}

const MAX_PART = 2_000;

async function copyOut(live: LiveVm, source: string, target: string, context: CliContext): Promise<void> {
  const { signal } = context;
  const get = async (path: string, file: string) => {
    await writableFile(file, "<file>", context);
    const part = `${file}.part`;
    try {
      await pipeline(await live.getFile(path, signal), createWriteStream(part), { signal });
      await rename(part, file);
    } finally {
      await rm(part, { force: true });
    }
    print(context, file);
  };
  const files = await live.listFolder(source, signal).catch(() => undefined);
  if (files === undefined) return await get(source, target);
  // Names are the guest's.
  for (const name of files) await get(posix.join(source, name), join(target, safeRelativePath(name)));
}

function mistake(message: string): InvalidInputError {
  return new InvalidInputError("The command line", [{ path: "<file>", message }], "task");
}
