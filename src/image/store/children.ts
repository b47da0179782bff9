/** Which images lie on an image. */
import { readlink } from "node:fs/promises";
import { basename } from "node:path";
import { codeOf } from "../../base/errors.ts";
import { ImageError } from "../errors.ts";
import type { StoreLayout } from "./layout.ts";

/** The sha256 of each image in the store whose parent it is. */
export async function findChildren(layout: StoreLayout, sha256: string): Promise<string[]> {
  const names = await layout.names("blobs");
  const parents = await Promise.all(names.map((name) => tryReadParent(layout, name)));
  return names.filter((_, index) => parents[index] === sha256);
}

async function tryReadParent(layout: StoreLayout, sha256: string): Promise<string | undefined> {
  try {
    return basename(await readlink(layout.path("blobs", sha256, "parent")));
  } catch (error) {
    // It has none, or is removed right now.
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** @param children As people call them; at least one. */
export function hasChildren(reference: string, children: readonly string[]): ImageError {
  const shown = children.slice(0, MAX_SHOWN).join(", ");
  const others = children.length > MAX_SHOWN ? ` and ${children.length - MAX_SHOWN} more` : "";
  const message = `the image ${reference} cannot be removed while others lie on it: ${shown}${others}; remove those first`;
  return new ImageError("image-in-use", message, { blame: "task", details: { children } });
}

const MAX_SHOWN = 5;
