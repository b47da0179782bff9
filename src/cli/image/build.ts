/** `boxcar image build`: an image by a recipe, into a file and into the store. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { InvalidInputError } from "../../base/errors.ts";
import { Scope } from "../../base/scope.ts";
import { buildImage } from "../../builder/build.ts";
import type { BuildContext, GuestPrograms } from "../../builder/build-context.ts";
import { reclaimBuilds } from "../../builder/debian/reclaim-builds.ts";
import { type BuildInputs, inputsOf } from "../../builder/inputs.ts";
import type { ParsedRecipe } from "../../builder/recipe.ts";
import type { Config } from "../../config/config.ts";
import { type ListenAddress, MAX_PORT, parseListenAddress } from "../../config/listen-address.ts";
import { OwnedDirectory } from "../../host/owned-directory.ts";
import { imageDocument } from "../../image/document.ts";
import { readPrivateKey } from "../../image/signatures/signature-policy.ts";
import type { Image } from "../../image/store/image.ts";
import type { ImageStore } from "../../image/store/image-store.ts";
import { requireTagName } from "../../image/store/reference.ts";
import type { MachineNetworks } from "../../sandbox/machine-networks.ts";
import { formatSignature, signImage } from "../../signing/image-signature.ts";
import { chooseAccelerator } from "../accelerator.ts";
import { type CliContext, print, printJson } from "../context.ts";
import { guestProgram } from "../guest-programs.ts";
import { imageHooks } from "../image-hooks.ts";
import { openNetworks } from "../networks.ts";
import { ProgressBar } from "../progress-bar.ts";
import { readRecipe } from "../recipes.ts";
import { openStore } from "../store.ts";
import { readVersion } from "../version.ts";
import { BuildLog } from "./build-log.ts";
import { enterPressed } from "./enter-pressed.ts";
import { refuseFolder } from "./output-file.ts";
import { signatureFileOf, signaturesOf } from "./signatures.ts";
import { describeSizes } from "./size-report.ts";

export interface BuildFlags {
  output?: string;
  tag?: string;
  layer?: boolean;
  vnc?: string | true;
  keepOnFailure?: boolean;
  ifOutdated?: boolean;
  allowUnsigned?: boolean;
  sign?: string;
  verbose?: boolean;
  json?: boolean;
}

export async function buildByRecipe(
  word: string,
  flags: BuildFlags,
  config: Config,
  context: CliContext,
): Promise<void> {
  const recipe = await readRecipe(word, context.cwd);
  if (flags.layer && recipe.from.kind !== "image") {
    const message = "only an image from another image has a layer; leave it out";
    throw new InvalidInputError("The command line", [{ path: "--layer", message }], "task");
  }
  const tag = requireTagName(flags.tag ?? recipe.name);
  if (flags.output !== undefined) await refuseFolder(resolve(context.cwd, flags.output));
  const key = flags.sign === undefined ? undefined : await readPrivateKey(resolve(context.cwd, flags.sign));
  await using store = await openStore(config);
  const programs = {
    agentBinary: await guestProgram("boxcar-agent"),
    initBinary: await guestProgram("boxcar-init"),
  };
  const parent = recipe.from.kind === "image" ? await store.inspect(recipe.from.reference) : undefined;
  const inputs = await inputsOf(recipe, programs, parent?.digest.slice("sha256:".length));
  const current = flags.ifOutdated ? currentOf(await store.list(), tag, inputs) : undefined;
  if (current !== undefined) {
    context.stderr.write(`${tag} is up to date\n`);
    return await printImage(current, flags, config, context);
  }

  using bar = new ProgressBar(context.stderr);
  const log = new BuildLog(recipe.name, bar, flags.verbose ?? false);
  const image = await build(recipe, { flags, tag, inputs, programs, store, config, context, log, bar });
  if (key !== undefined) {
    const { name, created } = image.provenance ?? { name: tag };
    const signature = signImage({ digest: image.digest, name, ...(created === undefined ? {} : { created }) }, key);
    await signaturesOf(config).add(signature, [key]);
    if (flags.output !== undefined) {
      await writeFile(signatureFileOf(resolve(context.cwd, flags.output)), formatSignature(signature));
    }
  }
  log.end(describeSizes(image, await store.ancestors(image)));
  await printImage(image, flags, config, context);
}

async function printImage(image: Image, { json }: BuildFlags, config: Config, context: CliContext): Promise<void> {
  const signature = await signaturesOf(config).tryRead(image.digest);
  if (json) printJson(context, imageDocument(image, { signature }));
  else print(context, `${image.digest} (${image.tags.join(", ")})`);
}

interface Build {
  flags: BuildFlags;
  tag: string;
  inputs: BuildInputs;
  programs: GuestPrograms;
  store: ImageStore;
  config: Config;
  context: CliContext;
  log: BuildLog;
  bar: ProgressBar;
}

async function build(recipe: ParsedRecipe, job: Build): Promise<Image> {
  const { flags, tag, inputs, programs, store, config, context, log, bar } = job;
  const { signal } = context;
  const workParent = join(config.stateDir, "builds");
  await reclaimBuilds(workParent);
  await using scope = new Scope();
  const work = scope.use(await OwnedDirectory.create(workParent));
  const output = flags.output === undefined ? join(work.path, "image.tar.zst") : resolve(context.cwd, flags.output);
  await mkdir(dirname(output), { recursive: true });
  let networks: Promise<MachineNetworks> | undefined;
  const openOnce = () => {
    networks ??= openNetworks(config).then((opened) => scope.use(opened));
    return networks;
  };
  const buildContext: BuildContext = {
    ...{ config, images: store, programs, signal, report: log },
    accept: (await imageHooks(config, flags)).accept,
    directory: join(work.path, "b"),
    openNetworks: openOnce,
    chooseAccelerator: (probeSignal, note) => chooseAccelerator(config, probeSignal, note),
    vnc: flags.vnc === undefined ? undefined : addressOf(flags.vnc),
    keepOnFailure: flags.keepOnFailure ?? false,
    ...(context.stdin.isTTY === true ? { dismissed: (until) => enterPressed(context.stdin, until) } : {}),
  };
  await mkdir(buildContext.directory);
  await buildImage(recipe, {
    ...{ context: buildContext, inputs, output, layer: flags.layer ?? false },
    builder: `boxcar ${readVersion()}`,
    epochSeconds: epochOf(context),
  });
  log.stage("bringing it into the store");
  const onProgress = bar.reporter("bringing it into the store");
  return await store.import(output, { tag, signal, keepArchive: true, onProgress });
}

function currentOf(images: readonly Image[], tag: string, inputs: BuildInputs): Image | undefined {
  const image = images.find(({ tags }) => tags.includes(tag));
  const found = image?.provenance?.inputs;
  return Object.entries(inputs).every(([name, digest]) => found?.[name] === digest) ? image : undefined;
}

/** @see https://reproducible-builds.org/specs/source-date-epoch/ */
function epochOf({ surroundings }: CliContext): number | undefined {
  const text = surroundings.env["SOURCE_DATE_EPOCH"];
  if (text === undefined || text === "") return undefined;
  if (/^\d{1,10}$/.test(text)) return Number(text);
  const message = "must be a number of seconds since 1970";
  throw new InvalidInputError("The environment", [{ path: "SOURCE_DATE_EPOCH", message }], "task");
}

const ANY_LOCAL: ListenAddress = { host: "127.0.0.1", port: 0 };

function addressOf(flag: string | true): ListenAddress {
  if (flag === true) return ANY_LOCAL;
  const address = /^.+:\d{1,5}$/.test(flag) ? parseListenAddress(flag) : undefined;
  if (address !== undefined && address.port <= MAX_PORT) return address;
  const message = "must be an address and a port, such as 127.0.0.1:5901";
  throw new InvalidInputError("The command line", [{ path: "--vnc", message }], "task");
}
