/** A component with a style sheet of its own: it is shown once that is there. */
import type { ComponentType } from "preact";
import { useStyleSheet } from "../core/style-sheet.ts";
import { Loading } from "./notices.tsx";

export function styled<Props extends object>(href: string, Component: ComponentType<Props>): ComponentType<Props> {
  return function Styled(props: Props) {
    return useStyleSheet(href) ? <Component {...props} /> : <Loading />;
  };
}
