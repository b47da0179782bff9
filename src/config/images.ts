/** Section `images` of the configuration: the store, and what tasks may name. */
import type { ImagesConfig } from "../generated/images-config.ts";
import { GIB } from "./quantities.ts";

export interface ImagesSettings {
  readonly directory: string;
  readonly default: string;
  readonly maxSizeBytes: number;
  readonly allowPaths: boolean;
  readonly allowUrls: boolean;
}

/** The section, with the schema's defaults and the host's in it. */
export type FilledImages = Required<ImagesConfig>;

export function completeImages({ maxSizeGiB, ...same }: FilledImages): ImagesSettings {
  return { ...same, maxSizeBytes: Math.round(maxSizeGiB * GIB) };
}
