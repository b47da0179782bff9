import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { address } from "../core/router.ts";

interface PageProps {
  /** Of the tab of the browser too. */
  title: string;
  children: ComponentChildren;
  /** Beside the title. */
  actions?: ComponentChildren;
  /** Above the title. */
  before?: ComponentChildren;
  isWide?: boolean;
}

/** What is below the navigation. Its title gets the focus when one comes from another page. */
export function Page({ title, children, actions, before, isWide = false }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  const path = address.value.path;
  useEffect(() => {
    document.title = `${title} · Boxcar`;
  }, [title]);
  useEffect(() => {
    if (lastPath !== undefined && pageOf(lastPath) !== pageOf(path)) heading.current?.focus({ preventScroll: true });
    lastPath = path;
  }, [path]);
  return (
    <div class={isWide ? "page wide" : "page"}>
      {before}
      <div class="page-header">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {actions === undefined ? undefined : <div class="actions">{actions}</div>}
      </div>
      {children}
    </div>
  );
}

let lastPath: string | undefined;

/** The tabs of a task are one page. */
function pageOf(path: string): string {
  return path.split("/").slice(0, 3).join("/");
}
