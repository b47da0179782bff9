/** Recipes of images: those that come with Boxcar, and those of who builds. */
import { readFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { InvalidInputError, type Issue } from "../base/errors.ts";
import { whyUnreadable } from "../base/why-unreadable.ts";
import { type ParsedRecipe, parseRecipe } from "../builder/recipe.ts";
import { parseDocument } from "../schema/document.ts";
import { placesIn } from "../schema/document-lines.ts";
import { INCLUDED, includedRecipes, RECIPE_ENDING } from "./included-recipes.ts";

/**
 * @param word A name of an included recipe, or a path: that has a slash or ends like a document.
 * @throws {InvalidInputError} with every issue, and the line it is in.
 */
export async function readRecipe(word: string, cwd: string): Promise<ParsedRecipe> {
  const isPath = word.includes("/") || RECIPE_ENDING.test(word);
  const file = isPath ? resolve(cwd, word) : fileURLToPath(new URL(`${word}.yml`, INCLUDED));
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    const names = (await includedRecipes()).join(", ");
    const message = isPath
      ? whyUnreadable(error)
      : `there is none of that name; included are ${names}; a path has a "/"`;
    throw new InvalidInputError(`The recipe ${word}`, [{ path: "", message }], "task");
  }
  try {
    return parseRecipe(parseDocument(text, basename(file), "task"), file);
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    throw new InvalidInputError(`The recipe ${word}`, placed(error.issues, text), "task");
  }
}

/** The same issues in the order of their lines, which they name. */
function placed(issues: readonly Issue[], text: string): Issue[] {
  const isDocument = issues.some(({ path }) => path !== "");
  if (!isDocument) return [...issues];
  const place = placesIn(text);
  return issues
    .map((issue) => ({ issue, line: place(issue.path)?.line }))
    .sort((a, b) => (a.line ?? 0) - (b.line ?? 0))
    .map(({ issue, line }) =>
      line === undefined ? issue : { path: issue.path, message: `${issue.message} (line ${line})` },
    );
}
