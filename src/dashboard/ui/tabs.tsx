/** Tabs that are links: each has an address of its own. */
import { Icon, type IconName } from "./icon.tsx";

export interface Tab {
  readonly href: string;
  readonly label: string;
  readonly icon?: IconName;
  readonly isCurrent: boolean;
}

export function Tabs({ label, tabs }: { label: string; tabs: readonly Tab[] }) {
  return (
    <nav class="tabs" aria-label={label}>
      {tabs.map(({ href, label: text, icon, isCurrent }) => (
        <a key={href} href={href} aria-current={isCurrent ? "page" : undefined}>
          {icon === undefined ? undefined : <Icon name={icon} />}
          {text}
        </a>
      ))}
    </nav>
  );
}
