/**
 * `boxcar completion`, which prints a script for a shell, and the hidden `boxcar complete`, which such a script asks
 * what may stand at the cursor: a line for each candidate, its description behind a tab; `@files`, `@folders` or
 * `@tasks` where the shell is to complete paths itself.
 */
import { Argument, Command } from "commander";
import type { Config } from "../config/config.ts";
import { complete, type NameKind } from "./completion-candidates.ts";
import { readCompletionScript, SHELLS } from "./completion-scripts.ts";
import { type CliContext, print } from "./context.ts";

const INSTALLATION = `
In the shell's start-up file:
  source <(boxcar completion bash)                                             ~/.bashrc
  source <(boxcar completion zsh)                                              ~/.zshrc, after compinit
  boxcar completion fish | source                                              ~/.config/fish/config.fish

Or, for shells that start faster, once:
  boxcar completion bash > ~/.local/share/bash-completion/completions/boxcar   needs the package bash-completion
  boxcar completion zsh > DIR/_boxcar                                          DIR is a folder of $fpath
  boxcar completion fish > ~/.config/fish/completions/boxcar.fish`;

export function completionCommand(context: CliContext): Command {
  return new Command("completion")
    .description("print a script that makes a shell complete boxcar's command line")
    .addArgument(new Argument("<shell>", "which one").choices(SHELLS))
    .addHelpText("after", INSTALLATION)
    .action((shell: (typeof SHELLS)[number]) => {
      context.stdout.write(readCompletionScript(shell));
    });
}

export function completeCommand(context: CliContext): Command {
  return new Command("complete")
    .argument("[words...]")
    .action(async (words: string[], _flags: object, self: Command) => {
      const { candidates, names, paths, config } = complete(self.parent as Command, words);
      for (const { text, description } of candidates) print(context, `${text}\t${description}`);
      if (names !== undefined) await printNames(context, names, config, words.at(-1) ?? "");
      if (paths !== undefined) print(context, `@${paths}`);
    });
}

async function printNames(
  context: CliContext,
  kind: NameKind,
  configFile: string | undefined,
  word: string,
): Promise<void> {
  const names = await namesOf(context, kind, configFile);
  for (const name of names.sort()) if (name.startsWith(word)) print(context, name);
}

async function namesOf(context: CliContext, kind: NameKind, configFile: string | undefined): Promise<string[]> {
  if (kind === "recipes") {
    const { includedRecipes } = await import("./included-recipes.ts");
    return await includedRecipes();
  }
  const config = await context.loadConfig(configFile);
  if (kind === "registries") return config.images.registries.map(({ name }) => name);
  if (kind === "machines") return await machineNames(config);
  if (kind === "snapshots") return await snapshotNames(config);
  if (kind === "sources") return [...(await machineNames(config)), ...(await snapshotNames(config))];
  return kind === "images" ? await imageNames(config) : await cacheNames(config);
}

async function imageNames({ images }: Config): Promise<string[]> {
  const { StoreLayout } = await import("../image/store/layout.ts");
  return await StoreLayout.existing(images.directory).names("tags");
}

async function machineNames(config: Config): Promise<string[]> {
  const [{ readdir }, { vmFolders }] = await Promise.all([
    import("node:fs/promises"),
    import("../hypervisor/qemu/qemu-hypervisor.ts"),
  ]);
  const { records } = vmFolders(config);
  return await readdir(`${records}/names`).catch(() => []);
}

/** Of what has no name the id. */
async function snapshotNames({ stateDir }: Config): Promise<string[]> {
  const { readdir, readFile } = await import("node:fs/promises");
  const folder = `${stateDir}/snapshots/machines`;
  const ids = await readdir(folder).catch(() => []);
  return await Promise.all(
    ids.map(async (id) => {
      const text = await readFile(`${folder}/${id}/record.json`, "utf8").catch(() => "");
      return /^ {2}"name": "([\w.-]+)",?$/m.exec(text)?.[1] ?? id;
    }),
  );
}

async function cacheNames(config: Config): Promise<string[]> {
  const [{ cachesDirectory }, { CacheLayout }] = await Promise.all([
    import("./caches.ts"),
    import("../cache/layout.ts"),
  ]);
  return await CacheLayout.existing(cachesDirectory(config)).names("names");
}
