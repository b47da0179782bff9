/** From what people call a registry to the registry: a name of the configuration, a URL, or a folder. */
import { DirectoryRegistry } from "./directory-registry.ts";
import { HttpRegistry, type HttpRegistryOptions } from "./http-registry.ts";
import type { Registry } from "./registry.ts";

/** One of `images.registries`; it has a URL or a directory. */
export interface RegistrySettings {
  readonly name: string;
  readonly url?: string | undefined;
  /** Absolute path. */
  readonly directory?: string | undefined;
  readonly token?: { reveal(): string } | undefined;
}

export interface OpenRegistryOptions extends Pick<HttpRegistryOptions, "tries"> {
  registries: readonly RegistrySettings[];
  /** Makes an absolute path of what is one. */
  resolvePath: (path: string) => string;
  /** Whether a folder is made that is not there. */
  create?: boolean;
}

export function isRegistryUrl(text: string): boolean {
  return /^https?:\/\//i.test(text);
}

/** @throws {@link ImageError} `registry-unusable` */
export async function openRegistry(text: string, options: OpenRegistryOptions): Promise<Registry> {
  const { registries, resolvePath, create = false, tries } = options;
  const plain = (url: string | undefined) => url?.replace(/\/+$/, "");
  const known = registries.find(({ name, url }) => name === text || (url !== undefined && plain(url) === plain(text)));
  const url = known?.url ?? (isRegistryUrl(text) ? text : undefined);
  if (url === undefined) return await DirectoryRegistry.open(known?.directory ?? resolvePath(text), { create });
  return HttpRegistry.at(url, { token: known?.token?.reveal(), ...(tries === undefined ? {} : { tries }) });
}
