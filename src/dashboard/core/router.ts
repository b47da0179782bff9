/** The address as a signal. Every plain click on a link of ours stays in the page; any other is the browser's. */
import { computed, signal } from "@preact/signals";
import { PAGES, parseRoute } from "./routes.ts";

interface Address {
  readonly path: string;
  readonly search: string;
  readonly hash: string;
}

export const address = signal<Address>(readAddress());
export const route = computed(() => parseRoute(address.value.path));
export const query = computed(() => new URLSearchParams(address.value.search));

function readAddress(): Address {
  return { path: location.pathname, search: location.search, hash: location.hash };
}

/** @param options.replace The page that is left is not gone back to. */
export function navigate(to: string, { replace = false } = {}): void {
  const before = location.pathname;
  if (replace) history.replaceState(undefined, "", to);
  else history.pushState(undefined, "", to);
  address.value = readAddress();
  if (!replace && location.pathname !== before) scrollTo(0, 0);
}

/** Changes the query only; what is empty is left out. */
export function setQuery(changes: Readonly<Record<string, string | undefined>>, options = { replace: true }): void {
  const next = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === "") next.delete(name);
    else next.set(name, value);
  }
  const text = next.toString();
  navigate(`${location.pathname}${text === "" ? "" : `?${text}`}${location.hash}`, options);
}

export function setHash(hash: string): void {
  history.replaceState(undefined, "", `${location.pathname}${location.search}${hash}`);
  address.value = readAddress();
}

export function startRouter(): void {
  const update = () => {
    address.value = readAddress();
  };
  addEventListener("popstate", update);
  addEventListener("hashchange", update);
  document.addEventListener("click", (event) => {
    const target = ownTarget(event);
    if (target === undefined) return;
    event.preventDefault();
    navigate(target);
  });
}

function ownTarget(event: MouseEvent): string | undefined {
  if (event.defaultPrevented || event.button !== 0) return undefined;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return undefined;
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (link === null || link.hasAttribute("download") || (link.target !== "" && link.target !== "_self"))
    return undefined;
  const url = new URL(link.href, location.href);
  if (url.origin !== location.origin || !isPage(url.pathname)) return undefined;
  const samePage = url.pathname === location.pathname && url.search === location.search;
  // A jump inside of the page.
  if (samePage && url.hash !== "") return undefined;
  return url.pathname + url.search + url.hash;
}

function isPage(path: string): boolean {
  const first = path.split("/")[1] ?? "";
  return PAGES.some((page) => page === first);
}
