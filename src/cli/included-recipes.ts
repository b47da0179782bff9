/** The recipes that come with Boxcar, by their names. */
import { readdir } from "node:fs/promises";

/** Two levels up from here in src/, in dist/ and in the bundle. */
export const INCLUDED = new URL("../../config/recipes/", import.meta.url);
export const RECIPE_ENDING = /\.(yml|yaml|json)$/;

/** Names of the recipes that come with Boxcar, sorted. */
export async function includedRecipes(): Promise<string[]> {
  const names = await readdir(INCLUDED);
  return names
    .filter((name) => RECIPE_ENDING.test(name))
    .map((name) => name.replace(RECIPE_ENDING, ""))
    .sort();
}
