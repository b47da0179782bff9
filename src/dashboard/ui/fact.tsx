/** One of the things that are known of something: a pair in a `<dl>`. */
import type { ComponentChildren } from "preact";

interface FactProps {
  label: string;
  /** It takes the whole line where others stand side by side. */
  isWhole?: boolean;
  children: ComponentChildren;
}

export function Fact({ label, isWhole = false, children }: FactProps) {
  return (
    <div class={isWhole ? "whole" : undefined}>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}
