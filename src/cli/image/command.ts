/** `boxcar image`: the images of this host. */
import { resolve } from "node:path";
import { Command } from "commander";
import { imageDocument, snapshotDocument } from "../../image/document.ts";
import { throttledProgress } from "../../image/progress.ts";
import type { ImageStore } from "../../image/store/image-store.ts";
import { configOf } from "../config.ts";
import { type CliContext, print, printJson } from "../context.ts";
import { buildCommand, recipesCommand } from "./build-command.ts";
import { describeImage, describeSnapshots, imageTable } from "./describe.ts";
import { diffCommand } from "./diff-command.ts";
import { warmCommand } from "./warm-command.ts";

const EXAMPLES = `
Examples:
  boxcar image build debian-minimal         make the default image from Debian packages
  boxcar image import my.tar.zst --tag my   bring an archive into the store
  boxcar image list
  boxcar image inspect my --json
  boxcar image warm my                      boot it once, so that tasks resume it
  boxcar image rm my`;

export function imageCommand(context: CliContext): Command {
  const image = new Command("image").description("build, import and look at machine images");
  image.addHelpText("after", EXAMPLES);
  image.addCommand(buildCommand(context));
  image.addCommand(recipesCommand(context));
  image
    .command("import")
    .description("check an archive and bring it into the store")
    .argument("<archive>", "a .tar.zst file")
    .option("--tag <name>", "name it gets")
    .option("--json", "print JSON")
    .action(async (archive: string, flags: { tag?: string; json?: boolean }, command: Command) => {
      await using store = await openStore(context, command);
      const found = await store.import(resolve(context.cwd, archive), {
        signal: context.signal,
        onProgress: throttledProgress((text) => void context.stderr.write(`${text}\n`)),
        ...(flags.tag === undefined ? {} : { tag: flags.tag }),
      });
      if (flags.json) printJson(context, imageDocument(found));
      else print(context, `${found.digest}${found.tags.length === 0 ? "" : ` (${found.tags.join(", ")})`}`);
    });
  image
    .command("list")
    .alias("ls")
    .description("list the images, the most recently used first")
    .option("--json", "print JSON")
    .action(async (flags: { json?: boolean }, command: Command) => {
      await using store = await openStore(context, command);
      const images = await store.list();
      if (flags.json) printJson(context, images.map(imageDocument));
      else print(context, imageTable(images));
    });
  image
    .command("inspect")
    .description("show what is known of one image")
    .argument("<image>", "name, digest, or the first 6 digits of a digest")
    .option("--json", "print JSON")
    .action(async (reference: string, flags: { json?: boolean }, command: Command) => {
      await using store = await openStore(context, command);
      const found = await store.inspect(reference);
      const snapshots = await store.listSnapshots(found);
      if (flags.json) printJson(context, { ...imageDocument(found), snapshots: snapshots.map(snapshotDocument) });
      else print(context, `${describeImage(found)}\n\n${describeSnapshots(snapshots)}`);
    });
  image.addCommand(warmCommand(context));
  image.addCommand(diffCommand(context));
  image
    .command("rm")
    .description("remove images, or names of images that have several")
    .argument("<image...>", "name, digest, or the first 6 digits of a digest")
    .action(async (references: string[], _flags: object, command: Command) => {
      await using store = await openStore(context, command);
      for (const reference of references) {
        const { removedTags, removedImage } = await store.remove(reference);
        print(context, removedImage ? `removed ${reference}` : `removed the name ${removedTags.join(", ")}`);
      }
    });
  return image;
}

async function openStore(context: CliContext, command: Command): Promise<ImageStore> {
  const config = await configOf(context, command);
  return await (await import("../store.ts")).openStore(config);
}
