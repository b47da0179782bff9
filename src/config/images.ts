/** Section `images` of the configuration: the store, and what tasks may name. */
import type { Issue } from "../base/errors.ts";
import { tryParseUrlPrefix, type UrlPrefix } from "../base/url-prefix.ts";
import type { ImagesConfig } from "../generated/images-config.ts";
import { GIB } from "./quantities.ts";
import { type Secret, type Secrets, secretAt } from "./secret.ts";

export interface ImagesSettings {
  readonly directory: string;
  readonly default: string;
  readonly maxSizeBytes: number;
  readonly allowPaths: boolean;
  /** `true`: on every host of the internet. */
  readonly allowUrls: boolean | readonly UrlPrefix[];
  readonly allowArtifacts: boolean;
  /** Absolute paths of public keys; undefined: no signature is needed. */
  readonly requireSignature: { readonly keys: readonly string[] } | undefined;
  readonly registries: readonly RegistrySettings[];
}

/** It has a URL or a directory, which is an absolute path. */
export interface RegistrySettings {
  readonly name: string;
  readonly url: string | undefined;
  readonly directory: string | undefined;
  readonly token: Secret | undefined;
}

/** The section, with the schema's defaults and the host's in it. */
export type FilledImages = Required<Omit<ImagesConfig, "requireSignature">> & Pick<ImagesConfig, "requireSignature">;

export function completeImages(filled: FilledImages, secrets: Secrets): ImagesSettings {
  const { maxSizeGiB, allowUrls, requireSignature, registries, ...same } = filled;
  return {
    ...same,
    requireSignature,
    maxSizeBytes: Math.round(maxSizeGiB * GIB),
    allowUrls: completeUrls(allowUrls),
    registries: registries.map(({ name, url, directory, token }, index) => ({
      ...{ name, url, directory },
      token: token === undefined ? undefined : secretAt(`images.registries[${index}].token`, token, secrets),
    })),
  };
}

function completeUrls(allowUrls: FilledImages["allowUrls"]): ImagesSettings["allowUrls"] {
  if (typeof allowUrls === "boolean") return allowUrls;
  return allowUrls.map(tryParseUrlPrefix).filter((prefix) => prefix !== undefined);
}

export function imagesIssues({ allowUrls, registries }: Pick<FilledImages, "allowUrls" | "registries">): Issue[] {
  return [...urlsIssues(allowUrls), ...registriesIssues(registries)];
}

function registriesIssues(registries: FilledImages["registries"]): Issue[] {
  return registries.flatMap(({ name, url, directory, token }, index): Issue[] => {
    const path = `images.registries[${index}]`;
    const first = registries.findIndex((other) => other.name === name);
    if (first < index) return [{ path: `${path}.name`, message: `is the name of images.registries[${first}] too` }];
    if ((url === undefined) === (directory === undefined)) return [{ path, message: "must have a url or a directory" }];
    if (url === undefined) return token === undefined ? [] : [{ path: `${path}.token`, message: "is for a url" }];
    const parsed = URL.parse(url);
    if (parsed === null) return [{ path: `${path}.url`, message: `${JSON.stringify(url)} is no URL` }];
    if (parsed.username === "" && parsed.password === "") return [];
    return [{ path: `${path}.url`, message: "must not hold a name or password; give a token" }];
  });
}

function urlsIssues(allowUrls: FilledImages["allowUrls"]): Issue[] {
  if (typeof allowUrls === "boolean") return [];
  return allowUrls.flatMap((text, index) => {
    if (tryParseUrlPrefix(text) !== undefined) return [];
    const message = 'must be "https://", or the begin of a URL with a host, and without user, query and fragment';
    return [{ path: `images.allowUrls[${index}]`, message }];
  });
}
