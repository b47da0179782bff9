/** `boxcar cache`: the caches of this host. */
import { Command } from "commander";
import type { CacheStore } from "../../cache/cache-store.ts";
import { configOf } from "../config.ts";
import { type CliContext, print, printJson } from "../context.ts";
import { cacheTable, plainCache } from "./describe.ts";

const EXAMPLES = `
Examples:
  boxcar cache list
  boxcar cache purge npm     the next task that names it begins with an empty one`;

export function cacheCommand(context: CliContext): Command {
  const cache = new Command("cache").description("look at what tasks have kept for later ones, and remove it");
  cache.addHelpText("after", EXAMPLES);
  cache
    .command("list")
    .alias("ls")
    .description("list the caches, the most recently used first")
    .option("--json", "print JSON")
    .action(async (flags: { json?: boolean }, command: Command) => {
      const caches = await (await openStore(context, command)).list();
      if (flags.json) printJson(context, caches.map(plainCache));
      else print(context, cacheTable(caches));
    });
  cache
    .command("purge")
    .description("remove caches; tasks that use one go on, and keep nothing in it")
    .argument("<cache...>", "its name")
    .action(async (names: string[], _flags: object, command: Command) => {
      const store = await openStore(context, command);
      for (const name of names) {
        await store.purge(name);
        print(context, `purged ${name}`);
      }
    });
  return cache;
}

async function openStore(context: CliContext, command: Command): Promise<CacheStore> {
  const config = await configOf(context, command);
  return await (await import("../caches.ts")).openCaches(config);
}
