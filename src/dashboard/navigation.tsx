/** The bar at the top: where one can go, who one is, whether what one sees is of now. */

import type { Permission } from "./api-types.ts";
import { connected } from "./core/events.ts";
import { type Shortcut, useShortcuts } from "./core/keys.ts";
import { navigate, route } from "./core/router.ts";
import { logOut, may, session } from "./core/session.ts";
import { nextTheme, setTheme, theme } from "./core/theme.ts";
import { Button } from "./ui/button.tsx";
import { openHelp } from "./ui/help.tsx";
import { Icon, type IconName } from "./ui/icon.tsx";
import { Menu } from "./ui/menu.tsx";

interface Place {
  readonly href: string;
  readonly label: string;
  readonly icon: IconName;
  readonly key: string;
  readonly permission: Permission;
  readonly pages: readonly string[];
}

const PLACES: readonly Place[] = [
  { href: "/", label: "Overview", icon: "home", key: "o", permission: "read", pages: ["overview"] },
  { href: "/tasks", label: "Tasks", icon: "list", key: "t", permission: "read", pages: ["tasks", "task"] },
  {
    ...{ href: "/machines", label: "Machines", icon: "screen", key: "m", permission: "read" },
    pages: ["machines", "machine"],
  },
  { href: "/workers", label: "Workers", icon: "server", key: "w", permission: "read", pages: ["workers", "worker"] },
  { href: "/images", label: "Images", icon: "disk", key: "i", permission: "read", pages: ["images", "image"] },
  { href: "/submit", label: "Submit", icon: "plus", key: "s", permission: "submit", pages: ["submit"] },
  { href: "/audit", label: "Audit", icon: "shield", key: "a", permission: "administer", pages: ["audit"] },
];

const SHORTCUTS: readonly Shortcut[] = [
  ...PLACES.map(({ href, label, key }) => ({ keys: `g ${key}`, label, group: "Go to", run: () => navigate(href) })),
  { keys: "?", label: "This help", group: "Everywhere", run: openHelp },
  { keys: "/", label: "Search", group: "Everywhere", run: search },
];

/** In what the page shows; a page without a search has the list of tasks for it. */
function search(): void {
  const field = document.querySelector<HTMLInputElement>("main input[type=search]");
  if (field === null) navigate("/tasks?focus=search");
  else field.select();
}

export function Navigation() {
  useShortcuts(SHORTCUTS);
  const current = session.value;
  return (
    <header class="bar">
      <a class="brand" href="/">
        <svg viewBox="0 0 32 32" width="24" height="24" aria-hidden="true">
          <rect x="2" y="6" width="28" height="16" rx="3" class="brand-box" />
          <path d="M9 6v16M16 6v16M23 6v16" class="brand-lines" />
          <circle cx="9" cy="25" r="3" class="brand-wheel" />
          <circle cx="23" cy="25" r="3" class="brand-wheel" />
        </svg>
        Boxcar
      </a>
      <nav aria-label="Pages" class="places">
        {PLACES.filter(({ permission }) => may(permission)).map(({ href, label, icon, pages }) => (
          <a key={href} href={href} aria-current={pages.includes(route.value.page) ? "page" : undefined}>
            <Icon name={icon} />
            <span>{label}</span>
          </a>
        ))}
      </nav>
      <div class="bar-end">
        {current?.principal == null ? undefined : <Connection />}
        <ThemeButton />
        <Button kind="quiet" icon="keyboard" label="Keyboard help" onPress={openHelp} />
        <Person />
      </div>
    </header>
  );
}

function Connection() {
  const text = connected.value ? "Live" : "Reconnecting";
  return (
    <span
      class={connected.value ? "connection live" : "connection"}
      role="status"
      title={`${text}: ${session.value?.workerId ?? ""}`}
    >
      <span class="dot" aria-hidden="true" />
      <span class="connection-text">{text}</span>
    </span>
  );
}

const THEME_ICONS = { system: "auto", light: "sun", dark: "moon" } as const;

function ThemeButton() {
  const label = `Colours: ${theme.value === "system" ? "as the system" : theme.value}; change`;
  return <Button kind="quiet" icon={THEME_ICONS[theme.value]} label={label} onPress={() => setTheme(nextTheme())} />;
}

const ROLE_TEXTS = {
  viewer: "viewer: sees everything",
  submitter: "submitter: sees everything, submits tasks",
  operator: "operator: uses machines, workers and images",
  admin: "admin: may do everything",
} as const;

function Person() {
  const current = session.value;
  if (current?.accessEnabled !== true || current.principal === null) return null;
  const { name, role, via } = current.principal;
  return (
    <Menu
      kind="quiet"
      label={`${name}, ${role}`}
      icon="user"
      header={
        <>
          <strong>{name}</strong>
          <span class="quiet-text small">{ROLE_TEXTS[role]}</span>
        </>
      }
      items={via === "session" ? [{ label: "Log out", icon: "external", onPress: logOut }] : []}
    >
      <span class="person-name">{name}</span>
    </Menu>
  );
}
