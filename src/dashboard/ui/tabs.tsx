/** Tabs that are links: each has an address of its own. On a phone they scroll sideways, and the current one is seen. */
import { useEffect, useRef } from "preact/hooks";
import { Icon, type IconName } from "./icon.tsx";

export interface Tab {
  readonly href: string;
  readonly label: string;
  readonly icon?: IconName;
  readonly isCurrent: boolean;
}

export function Tabs({ label, tabs }: { label: string; tabs: readonly Tab[] }) {
  const current = tabs.find(({ isCurrent }) => isCurrent)?.href;
  const list = useRef<HTMLElement>(null);
  useEffect(() => {
    const [all, one] = [list.current, list.current?.querySelector("[aria-current]")].map((element) =>
      element?.getBoundingClientRect(),
    );
    if (all === undefined || one === undefined) return;
    list.current?.scrollBy({ left: one.x + one.width / 2 - (all.x + all.width / 2), behavior: "instant" });
  }, [current]);
  return (
    <nav class="tabs" aria-label={label} ref={list}>
      {tabs.map(({ href, label: text, icon, isCurrent }) => (
        <a key={href} href={href} aria-current={isCurrent ? "page" : undefined}>
          {icon === undefined ? undefined : <Icon name={icon} />}
          {text}
        </a>
      ))}
    </nav>
  );
}
