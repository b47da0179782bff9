/** `boxcar image recipes`. */
import type { ParsedRecipe } from "../../builder/recipe.ts";
import { type CliContext, print, printJson } from "../context.ts";
import { includedRecipes } from "../included-recipes.ts";
import { readRecipe } from "../recipes.ts";
import { table } from "../table.ts";

export async function listRecipes({ json }: { json?: boolean }, context: CliContext): Promise<void> {
  const names = await includedRecipes();
  const recipes = await Promise.all(names.map((name) => readRecipe(name, context.cwd)));
  if (json) printJson(context, recipes.map(documentOf));
  else print(context, table([["NAME", "BOOTS", "WHAT"], ...recipes.map(rowOf)]));
}

function documentOf({ name, description, from, boot, packages }: ParsedRecipe) {
  return { name, description, from: from.kind, boot, packages };
}

function rowOf({ name, boot, description = "" }: ParsedRecipe): string[] {
  return [name, boot, description];
}
