/** How an artifact can be shown in the page. Pure. */
import type { ApiArtifact } from "../../../generated/api.ts";

export type PreviewKind = "image" | "json" | "text" | "html" | "none";

/** Formats that a browser shows in an image; SVG runs no scripts there. */
const IMAGES = new Set([
  ...["image/png", "image/apng", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"],
  ...["image/svg+xml", "image/x-icon", "image/vnd.microsoft.icon"],
]);
const TEXTS = /^(?:text\/|application\/(?:.*\+)?(?:xml|yaml|toml|javascript|x-sh|x-ndjson|sql|x-yaml|x-tap)$)/;
const TEXT_NAMES =
  /(?:\.(?:log|txt|md|ya?ml|toml|ini|conf|cfg|csv|tsv|xml|diff|patch|[cm]?[jt]sx?|py|sh|c|h|rs|go|tap)|^(?:README|LICENSE|Makefile))$/i;

export function previewKind({ name, contentType, error, link }: ApiArtifact): PreviewKind {
  if (error !== undefined || link?.url !== undefined) return "none";
  const type = contentType.split(";")[0]?.trim().toLowerCase() ?? "";
  if (IMAGES.has(type)) return "image";
  if (type === "text/html" || type === "application/xhtml+xml") return "html";
  if (type === "application/json" || type.endsWith("+json")) return "json";
  if (TEXTS.test(type)) return "text";
  return type === "application/octet-stream" && TEXT_NAMES.test(name) ? "text" : "none";
}

/** A JSON text with its parts on lines of their own; as it is where it is none, or was cut off. */
export function prettyJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}
