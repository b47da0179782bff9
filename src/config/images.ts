/** Section `images` of the configuration: the store, and what tasks may name. */
import type { Issue } from "../base/errors.ts";
import { tryParseUrlPrefix, type UrlPrefix } from "../base/url-prefix.ts";
import type { ImagesConfig } from "../generated/images-config.ts";
import { GIB } from "./quantities.ts";

export interface ImagesSettings {
  readonly directory: string;
  readonly default: string;
  readonly maxSizeBytes: number;
  readonly allowPaths: boolean;
  /** `true`: on every host of the internet. */
  readonly allowUrls: boolean | readonly UrlPrefix[];
  readonly allowArtifacts: boolean;
}

/** The section, with the schema's defaults and the host's in it. */
export type FilledImages = Required<ImagesConfig>;

export function completeImages({ maxSizeGiB, allowUrls, ...same }: FilledImages): ImagesSettings {
  return { ...same, maxSizeBytes: Math.round(maxSizeGiB * GIB), allowUrls: completeUrls(allowUrls) };
}

function completeUrls(allowUrls: FilledImages["allowUrls"]): ImagesSettings["allowUrls"] {
  if (typeof allowUrls === "boolean") return allowUrls;
  return allowUrls.map(tryParseUrlPrefix).filter((prefix) => prefix !== undefined);
}

export function imagesIssues({ allowUrls }: Pick<FilledImages, "allowUrls">): Issue[] {
  if (typeof allowUrls === "boolean") return [];
  return allowUrls.flatMap((text, index) => {
    if (tryParseUrlPrefix(text) !== undefined) return [];
    const message = 'must be "https://", or the begin of a URL with a host, and without user, query and fragment';
    return [{ path: `images.allowUrls[${index}]`, message }];
  });
}
