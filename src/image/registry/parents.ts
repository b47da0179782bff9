/** Parents of images that came another way than from a registry: they are looked for in all that are known. */
import { codeOf } from "../../base/errors.ts";
import { ImageError } from "../errors.ts";
import type { ImportOptions } from "../store/importer.ts";
import { type OpenRegistryOptions, openRegistry, type RegistrySettings } from "./open-registry.ts";

/**
 * @param options.maxBytes Of an archive.
 * @param options.tries How often a registry is asked.
 * @returns undefined where no registry is known.
 */
export function parentsFrom(
  registries: readonly RegistrySettings[],
  { maxBytes, tries }: { maxBytes: number } & Pick<OpenRegistryOptions, "tries">,
): ImportOptions["bringParent"] {
  if (registries.length === 0) return undefined;
  return async (digest, signal) => {
    for (const { name } of registries) {
      try {
        const options = { registries, resolvePath: (path: string) => path };
        const registry = await openRegistry(name, { ...options, ...(tries === undefined ? {} : { tries }) });
        return await registry.openBlob(digest, { signal, maxBytes });
      } catch (error) {
        // One that cannot be reached must not keep the next from being asked.
        if (!isLacking(error)) throw error;
      }
    }
    const message =
      `the image lies on ${digest}, which is not here, and ${registries.map(({ name }) => name).join(", ")} cannot give it; ` +
      "import that one first";
    throw new ImageError("image-parent-missing", message, { blame: "task", details: { parent: digest } });
  };
}

const LACKING: ReadonlySet<string | undefined> = new Set([
  "image-not-found",
  "registry-unusable",
  "registry-refused",
  "download-failed",
  "download-refused",
]);

function isLacking(error: unknown): boolean {
  return LACKING.has(codeOf(error));
}
