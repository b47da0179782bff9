/** `boxcar image pull`: from a registry, or from wherever a URL leads, into the store. */
import { InvalidInputError } from "../../base/errors.ts";
import type { Config } from "../../config/config.ts";
import { maxArchiveBytes } from "../../image/registry/limits.ts";
import { isRegistryUrl } from "../../image/registry/open-registry.ts";
import { pullImage } from "../../image/registry/pull.ts";
import { parseRegistryReference } from "../../image/registry/reference.ts";
import { tryFetchSignature } from "../../image/registry/url-signature.ts";
import { SignaturePolicy } from "../../image/signatures/signature-policy.ts";
import { acquireImage } from "../../image/source/acquire.ts";
import { EVERY_SOURCE } from "../../image/source/policy.ts";
import type { Image } from "../../image/store/image.ts";
import type { ImageStore } from "../../image/store/image-store.ts";
import { requireTagName } from "../../image/store/reference.ts";
import type { CliContext } from "../context.ts";
import { imageHooks } from "../image-hooks.ts";
import { ProgressBar } from "../progress-bar.ts";
import { openStore } from "../store.ts";
import { registryOf } from "./registries.ts";
import { reportImage } from "./report.ts";
import { signaturesOf } from "./signatures.ts";

export interface PullFlags {
  from?: string;
  tag?: string;
  sha256?: string;
  discard?: boolean;
  allowUnsigned?: boolean;
  json?: boolean;
}

interface Pulling {
  flags: PullFlags;
  config: Config;
  context: CliContext;
  store: ImageStore;
  bar: ProgressBar;
}

export async function pull(source: string, flags: PullFlags, config: Config, context: CliContext): Promise<void> {
  if (flags.tag !== undefined) requireTagName(flags.tag);
  await using store = await openStore(config);
  const image = await (async () => {
    using bar = new ProgressBar(context.stderr);
    const pulling = { flags, config, context, store, bar };
    return isRegistryUrl(source) && flags.from === undefined
      ? await pullUrl(source, pulling)
      : await pullNamed(source, pulling);
  })();
  await reportImage(image, { json: flags.json ?? false, config, store, context });
}

async function pullNamed(source: string, { flags, config, context, store, bar }: Pulling): Promise<Image> {
  if (flags.sha256 !== undefined) throw mistake("--sha256", "is for a URL; say NAME@sha256:… instead");
  const { from, name } = split(source, flags.from, config);
  return await pullImage(await registryOf(from, config, context), parseRegistryReference(name), {
    ...{ store, signatures: signaturesOf(config), signal: context.signal },
    policy: await policyOf(flags, config),
    ...(flags.tag === undefined ? {} : { tag: flags.tag }),
    keepArchive: flags.discard !== true,
    maxArchiveBytes: maxArchiveBytes(config.images.maxSizeBytes),
    onProgress: bar.reporter("fetching the image"),
  });
}

/** Beside the archive there may be its signature. What is refused does not stay. */
async function pullUrl(url: string, pulling: Pulling): Promise<Image> {
  const { flags, config, context, store, bar } = pulling;
  const { sha256 } = flags;
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/.test(sha256))
    throw mistake("--sha256", "must be 64 hexadecimal digits");
  let imported: Image | undefined;
  const { digest } = await (async () => {
    await using lease = await acquireImage(store, sha256 === undefined ? url : { url, sha256 }, {
      ...(await imageHooks(config, { allowUnsigned: true })),
      ...{ policy: EVERY_SOURCE, signal: context.signal, keepArchive: flags.discard !== true },
      onProgress: bar.reporter("fetching the image"),
      onImport: (image) => {
        imported = image;
      },
    });
    return lease.image;
  })();
  try {
    await checkUrl(url, digest, pulling);
  } catch (error) {
    if (imported?.tags.length === 0) await store.remove(digest).catch(() => {});
    throw error;
  }
  if (flags.tag !== undefined) await store.tag(digest, flags.tag);
  return await store.inspect(digest);
}

async function checkUrl(url: string, digest: string, { flags, config, context }: Pulling): Promise<void> {
  const policy = await policyOf(flags, config);
  const signatures = signaturesOf(config);
  const found = await tryFetchSignature(url, digest, context);
  if (found !== undefined) await signatures.add(found, policy.keys);
  policy.check(digest, await signatures.read(digest));
}

async function policyOf({ allowUnsigned = false }: PullFlags, { images }: Config): Promise<SignaturePolicy> {
  return await SignaturePolicy.read(allowUnsigned ? undefined : images.requireSignature?.keys);
}

/** Pure: `REGISTRY/NAME`, where no registry is named otherwise. */
function split(source: string, from: string | undefined, { images }: Config): { from: string; name: string } {
  if (from !== undefined) return { from, name: source };
  const [registry = "", name, ...more] = source.split("/");
  if (name !== undefined && more.length === 0) return { from: registry, name };
  const names = images.registries.map((each) => each.name);
  const known =
    names.length === 0 ? "images.registries of the configuration names none" : `known are ${names.join(", ")}`;
  throw mistake("source", `${JSON.stringify(source)} says no registry: write REGISTRY/NAME, or add --from; ${known}`);
}

function mistake(path: string, message: string): InvalidInputError {
  return new InvalidInputError("The command line", [{ path, message }], "task");
}
