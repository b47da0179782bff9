/** `boxcar image build`: an image from a recipe, into a file and into the store. */
import { access, mkdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { WorkerError } from "../../base/errors.ts";
import { formatDuration } from "../../base/units.ts";
import type { Config } from "../../config/config.ts";
import { OwnedDirectory, reclaimDirectories } from "../../host/owned-directory.ts";
import { imageDocument } from "../../image/document.ts";
import { buildDebianMinimal, debianMinimalInputs } from "../../image/recipe/debian-minimal.ts";
import type { Image } from "../../image/store/image.ts";
import { type CliContext, print, printJson } from "../context.ts";
import { guestProgramPath } from "../guest-programs.ts";
import { openStore } from "../store.ts";

export interface BuildFlags {
  output?: string;
  tag?: string;
  ifOutdated?: boolean;
  verbose?: boolean;
  json?: boolean;
}

export async function buildImage(
  recipe: string,
  flags: BuildFlags,
  config: Config,
  context: CliContext,
): Promise<void> {
  const tag = flags.tag ?? recipe;
  await using store = await openStore(config);
  const programs = {
    agentBinary: await guestProgram("boxcar-agent"),
    initBinary: await guestProgram("boxcar-init"),
  };
  if (flags.ifOutdated && isCurrent(await store.list(), tag, await debianMinimalInputs(programs))) return;

  const begin = performance.now();
  const say = (text: string) => void context.stderr.write(`${text}\n`);
  const workParent = join(config.stateDir, "builds");
  await reclaimDirectories(workParent);
  await using work = await OwnedDirectory.create(workParent);
  const output = flags.output === undefined ? join(work.path, "image.tar.zst") : resolve(context.cwd, flags.output);
  await mkdir(dirname(output), { recursive: true });
  await buildDebianMinimal({
    output,
    workDirectory: join(work.path, "root"),
    ...programs,
    signal: context.signal,
    onProgress: (stage) => say(`${recipe}: ${stage}`),
    ...(flags.verbose ? { onLine: say } : {}),
  });
  say(`${recipe}: bringing it into the store`);
  const image = await store.import(output, { tag, signal: context.signal });
  say(`${recipe}: done in ${formatDuration(performance.now() - begin)}`);
  if (flags.json) printJson(context, imageDocument(image));
  else print(context, `${image.digest} (${image.tags.join(", ")})`);
}

function isCurrent(images: readonly Image[], tag: string, inputs: Readonly<Record<string, string>>): boolean {
  const found = images.find(({ tags }) => tags.includes(tag))?.provenance?.inputs;
  return Object.entries(inputs).every(([name, digest]) => found?.[name] === digest);
}

async function guestProgram(name: "boxcar-agent" | "boxcar-init"): Promise<string> {
  const file = guestProgramPath(name);
  try {
    await access(file);
    return file;
  } catch (cause) {
    throw new WorkerError(`${file} is missing; "bash scripts/setup.sh --no-image" builds it`, {
      code: "guest-program-missing",
      blame: "host",
      cause,
    });
  }
}
