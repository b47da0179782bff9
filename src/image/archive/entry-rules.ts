/** Which tar entries an image may have; everything else is refused before a byte of it is written. */
import { formatBytes } from "../../base/units.ts";
import { ImageError } from "../errors.ts";
import {
  IMAGE_FILES,
  type ImageFile,
  type ImageLimits,
  isImageFile,
  maxBytesOf,
  REQUIRED_FILES,
  REQUIRED_FILES_OF_CHILD,
} from "./format.ts";
import type { TarEntry } from "./tar-reader.ts";

/** @throws {@link ImageError} saying which rule the entry breaks. */
export function judgeEntry(
  { name, kind, realBytes, storedBytes }: Pick<TarEntry, "name" | "kind" | "realBytes" | "storedBytes">,
  seen: ReadonlySet<string>,
  limits: ImageLimits,
): ImageFile {
  const shown = JSON.stringify(name);
  if (name.startsWith("/") || name.split("/").includes("..")) {
    throw new ImageError(
      "archive-unsafe-name",
      `the archive holds ${shown}, which would be written outside of the image`,
    );
  }
  if (kind === "link")
    throw new ImageError("archive-link", `the archive holds the link ${shown}; only files are allowed`);
  if (kind === "device") throw new ImageError("archive-device", `the archive holds the device ${shown}`);
  if (kind === "fifo" || kind === "other") {
    throw new ImageError("archive-unsupported-entry", `the archive holds ${shown}, which is no plain file`);
  }
  if (kind === "directory") {
    throw new ImageError("archive-directory", `the archive holds the directory ${shown}; its files must be at the top`);
  }
  if (!isImageFile(name)) {
    throw new ImageError(
      "archive-unexpected-file",
      `the archive holds ${shown}; an image has ${IMAGE_FILES.join(", ")}`,
    );
  }
  if (seen.has(name)) throw new ImageError("archive-duplicate", `the archive holds ${shown} twice`);
  const max = maxBytesOf(name, limits);
  if (realBytes > max || storedBytes > max + MAP_ALLOWANCE) {
    throw new ImageError(
      "archive-file-too-large",
      `${name} would have ${formatBytes(realBytes)} and at most ${formatBytes(max)} are allowed`,
      { details: { file: name, bytes: realBytes, maxBytes: max } },
    );
  }
  return name;
}

/** What is stored for a sparse file holds its map too. */
const MAP_ALLOWANCE = 32 * 1_024 * 1_024;

/**
 * Without disk.img an archive can only be that of an image with a parent. Whether its image.json names one is known
 * when it was read, which need not come first.
 *
 * @throws {@link ImageError} naming what is missing.
 */
export function judgeCompleteness(seen: ReadonlySet<string>): void {
  const missingOfChild = REQUIRED_FILES_OF_CHILD.filter((file) => !seen.has(file));
  if (!seen.has("disk.img") && missingOfChild.length === 0) return;
  const missing = REQUIRED_FILES.filter((file) => !seen.has(file));
  if (missing.length === 0) return;
  throw new ImageError("archive-missing-file", `the archive has no ${missing.join(" and no ")}; this is not an image`);
}
