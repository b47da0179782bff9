import { signal } from "@preact/signals";
import { type Shortcut, shortcuts } from "../core/keys.ts";
import { Dialog } from "./dialog.tsx";

const isOpen = signal(false);

export function openHelp(): void {
  isOpen.value = true;
}

function closeHelp(): void {
  isOpen.value = false;
}

export function Help() {
  if (!isOpen.value) return null;
  const groups = Map.groupBy(shortcuts.value, ({ group }) => group);
  return (
    <Dialog title="Keyboard" onClose={closeHelp}>
      {[...groups].map(([group, own]) => (
        <section key={group} class="help-group">
          <h3>{group}</h3>
          <dl>{own.map(row)}</dl>
        </section>
      ))}
    </Dialog>
  );
}

function row({ keys, label }: Shortcut) {
  return (
    <div key={keys}>
      <dt>
        {keys.split(" ").map((key, index) => (
          <kbd key={`${index}${key}`}>{NAMES[key] ?? key}</kbd>
        ))}
      </dt>
      <dd>{label}</dd>
    </div>
  );
}

const NAMES: Readonly<Record<string, string>> = { ArrowDown: "↓", ArrowUp: "↑", ArrowLeft: "←", ArrowRight: "→" };
