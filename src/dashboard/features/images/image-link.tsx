import { shortDigest } from "./image-facts.ts";

/** Path of the page of an image. */
export function imagePagePath(digest: string, worker: string | undefined): string {
  const query = worker === undefined ? "" : `?worker=${encodeURIComponent(worker)}`;
  return `/images/${encodeURIComponent(digest)}${query}`;
}

interface ImageLinkProps {
  digest: string;
  title: string | undefined;
  worker: string | undefined;
}

export function ImageLink({ digest, title, worker }: ImageLinkProps) {
  return <a href={imagePagePath(digest, worker)}>{title ?? shortDigest(digest)}</a>;
}
