/**
 * The screen of a machine, small, as it is now. Asked for only while somebody can see it, and more rarely where there is
 * nothing to be had.
 */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { request } from "../../core/api.ts";
import { Icon } from "../../ui/icon.tsx";
import { type MachinePlace, placePath } from "../machine/link-target.ts";

const REFRESH_MS = 2_000;
const RETRY_MS = 8_000;

interface ThumbnailProps {
  machine: MachinePlace;
  /** Pixels that are asked for. */
  width?: number;
  /** Empty: what is around it says what it is. */
  alt?: string;
}

export function Thumbnail({ machine, width = 320, alt = "" }: ThumbnailProps) {
  const path = placePath(machine, "/screen", new URLSearchParams({ width: String(width) }));
  const box = useRef<HTMLDivElement>(null);
  const url = useSignal<string | undefined>(undefined);
  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const abort = new AbortController();
    let isInView = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isBusy = false;
    const refresh = async () => {
      clearTimeout(timer);
      if (!isInView || document.hidden || isBusy || abort.signal.aborted) return;
      isBusy = true;
      const picture = await fetchPicture(path, abort.signal);
      isBusy = false;
      if (abort.signal.aborted) return;
      if (picture !== undefined) {
        if (url.peek() !== undefined) URL.revokeObjectURL(url.peek() ?? "");
        url.value = URL.createObjectURL(picture);
      }
      timer = setTimeout(refresh, picture === undefined ? RETRY_MS : REFRESH_MS);
    };
    const observer = new IntersectionObserver(([entry]) => {
      isInView = entry?.isIntersecting ?? false;
      void refresh();
    });
    observer.observe(element);
    document.addEventListener("visibilitychange", refresh, { signal: abort.signal });
    return () => {
      abort.abort();
      clearTimeout(timer);
      observer.disconnect();
      if (url.peek() !== undefined) URL.revokeObjectURL(url.peek() ?? "");
      url.value = undefined;
    };
  }, [path, url]);
  return (
    <div ref={box} class="thumbnail">
      {url.value === undefined ? <Icon name="screen" /> : <img src={url.value} alt={alt} />}
    </div>
  );
}

async function fetchPicture(path: string, signal: AbortSignal): Promise<Blob | undefined> {
  try {
    return await (await request("GET", path, undefined, signal)).blob();
  } catch {
    // No screen yet, or no machine any more; the card says what it is at.
    return undefined;
  }
}
