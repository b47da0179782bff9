/** `boxcar image export`: an image of the store as a file. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { InvalidInputError } from "../../base/errors.ts";
import { formatBytes } from "../../base/units.ts";
import type { Config } from "../../config/config.ts";
import { formatSignature } from "../../signing/image-signature.ts";
import { type CliContext, print, printJson } from "../context.ts";
import { ProgressBar } from "../progress-bar.ts";
import { openStore } from "../store.ts";
import { refuseFolder } from "./output-file.ts";
import { signatureFileOf, signaturesOf } from "./signatures.ts";

export interface ExportFlags {
  output: string;
  level?: string;
  json?: boolean;
}

export async function exportToFile(
  reference: string,
  { output, level, json = false }: ExportFlags,
  config: Config,
  context: CliContext,
): Promise<void> {
  const options = level === undefined ? {} : { level: parseLevel(level) };
  await using store = await openStore(config);
  const image = await store.inspect(reference);
  const file = resolve(context.cwd, output);
  await refuseFolder(file);
  await mkdir(dirname(file), { recursive: true });
  using bar = new ProgressBar(context.stderr);
  const { digest, bytes, isExact } = await store.export(image.digest, file, {
    ...options,
    signal: context.signal,
    onProgress: (doneBytes, totalBytes) => bar.show("writing the archive", { doneBytes, totalBytes }),
  });
  const signature = isExact ? await signaturesOf(config).read(image.digest) : undefined;
  if (signature !== undefined) await writeFile(signatureFileOf(file), formatSignature(signature));
  const why = `the archive was not kept and is packed anew: it is ${digest}, another image than ${image.digest}`;
  if (!isExact) bar.say(`${why}; signatures, and images that lie on that one, do not hold for it`);
  const { diskBytes } = image.sizes;
  bar.say(
    `archive ${formatBytes(bytes)}, on disk ${formatBytes(diskBytes)}, packed ${(diskBytes / bytes).toFixed(1)} : 1`,
  );
  if (json) printJson(context, { file, digest, bytes, isExact, isSigned: signature !== undefined });
  else print(context, `${digest} ${output}`);
}

function parseLevel(text: string): number {
  const level = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  if (level >= 1 && level <= 19) return level;
  throw new InvalidInputError(
    "The command line",
    [{ path: "--level", message: "must be a number from 1 to 19" }],
    "task",
  );
}
