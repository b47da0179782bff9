/** Registries, as commands are told of them. */
import { resolve } from "node:path";
import type { Config } from "../../config/config.ts";
import { openRegistry } from "../../image/registry/open-registry.ts";
import type { Registry } from "../../image/registry/registry.ts";
import type { CliContext } from "../context.ts";

/** @param text A name of `images.registries`, a URL, or a folder. @throws {ImageError} `registry-unusable` */
export async function registryOf(
  text: string,
  { images }: Config,
  { cwd }: CliContext,
  { create = false } = {},
): Promise<Registry> {
  return await openRegistry(text, { registries: images.registries, resolvePath: (path) => resolve(cwd, path), create });
}
