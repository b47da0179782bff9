import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { messageOf } from "../core/api.ts";
import { Icon, type IconName } from "./icon.tsx";
import { toast } from "./toasts.tsx";

interface ButtonProps {
  /** While it runs the button cannot be pressed again; what it throws is shown to the user. */
  onPress: () => unknown;
  children?: ComponentChildren;
  icon?: IconName;
  kind?: "primary" | "danger" | "plain" | "quiet";
  /** For buttons that are an icon only. */
  label?: string;
  isDisabled?: boolean;
  /** For buttons that are on or off. */
  isPressed?: boolean;
  title?: string;
}

export function Button({ onPress, children, icon, kind = "plain", label, isDisabled, isPressed, title }: ButtonProps) {
  const [isBusy, setBusy] = useState(false);
  const press = async () => {
    if (isBusy) return;
    setBusy(true);
    try {
      await onPress();
    } catch (error) {
      toast(messageOf(error), "error");
    } finally {
      setBusy(false);
    }
  };
  return (
    <button
      type="button"
      class={`button ${kind}${children === undefined ? " icon-only" : ""}`}
      onClick={() => void press()}
      disabled={isDisabled === true}
      aria-label={label}
      aria-pressed={isPressed}
      aria-busy={isBusy}
      title={title ?? label}
    >
      {icon === undefined ? undefined : <Icon name={icon} />}
      {children}
    </button>
  );
}
