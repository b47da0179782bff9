/** A button that opens a list of things to do. Arrow keys move in it, Esc closes it. */
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Icon, type IconName } from "./icon.tsx";

export interface MenuItem {
  readonly label: string;
  readonly icon?: IconName;
  readonly onPress: () => unknown;
}

interface MenuProps {
  /** What it is for; on the button too, where that has no content. */
  label: string;
  items: readonly MenuItem[];
  icon?: IconName;
  children?: ComponentChildren;
  /** Above the items. */
  header?: ComponentChildren;
  kind?: "plain" | "quiet";
}

export function Menu({ label, items, icon, children, header, kind = "plain" }: MenuProps) {
  const [isOpen, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const id = useId();
  useEffect(() => {
    if (!isOpen) return undefined;
    box.current?.querySelector<HTMLElement>("[role=menuitem]")?.focus();
    const onPointer = (event: Event) => {
      if (event.target instanceof Node && box.current?.contains(event.target) === false) setOpen(false);
    };
    document.addEventListener("pointerdown", onPointer);
    return () => document.removeEventListener("pointerdown", onPointer);
  }, [isOpen]);

  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (!isOpen) return;
    if (event.key === "Escape") close();
    else if (event.key === "Tab") setOpen(false);
    else if (!move(box.current, event.key)) return;
    if (event.key !== "Tab") event.preventDefault();
    event.stopPropagation();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys are those of the button and the items in it.
    <div class="menu" ref={box} onKeyDown={onKeyDown}>
      <button
        ref={button}
        type="button"
        class={`button ${kind}${children === undefined ? " icon-only" : ""}`}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        aria-controls={isOpen ? id : undefined}
        aria-label={children === undefined ? label : undefined}
        title={label}
        onClick={() => setOpen(!isOpen)}
      >
        {icon === undefined ? undefined : <Icon name={icon} />}
        {children}
      </button>
      {isOpen ? (
        <div class="menu-list">
          {header === undefined ? undefined : <div class="menu-header">{header}</div>}
          {items.length === 0 ? undefined : (
            <div role="menu" id={id} aria-label={label}>
              {items.map((item) => (
                <button
                  key={item.label}
                  type="button"
                  role="menuitem"
                  tabIndex={-1}
                  onClick={() => {
                    close();
                    void item.onPress();
                  }}
                >
                  {item.icon === undefined ? undefined : <Icon name={item.icon} />}
                  {item.label}
                </button>
              ))}
            </div>
          )}
        </div>
      ) : undefined}
    </div>
  );
}

/** @returns whether the key moves. */
function move(box: HTMLElement | null, key: string): boolean {
  const items = [...(box?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? [])];
  const at = items.indexOf(document.activeElement as HTMLElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[key];
  if (to === undefined || items.length === 0) return false;
  items.at(to % items.length)?.focus();
  return true;
}
