/** Style sheets that only one page needs: `import { href } from "./x.css"`, then `useStyleSheet(href)`. */
import { useEffect, useState } from "preact/hooks";

const loaded = new Map<string, Promise<void>>();

/** @returns once it is applied. A second call for the same does nothing more. */
export function loadStyleSheet(href: string): Promise<void> {
  const loading = loaded.get(href) ?? load(href);
  loaded.set(href, loading);
  return loading;
}

function load(href: string): Promise<void> {
  return new Promise((resolve) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = href;
    // What it styles is better shown without it than not at all.
    for (const event of ["load", "error"]) link.addEventListener(event, () => resolve());
    document.head.append(link);
  });
}

/** @returns whether it is there. */
export function useStyleSheet(href: string): boolean {
  const [isThere, setThere] = useState(false);
  useEffect(() => {
    void loadStyleSheet(href).then(() => setThere(true));
  }, [href]);
  return isThere;
}
