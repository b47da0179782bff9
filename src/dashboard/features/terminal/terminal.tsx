import { Empty } from "../../ui/notices.tsx";
import type { RunSlotProps } from "../slot.ts";

/**
 * The tab "Terminal" of the task page.
 *
 * xterm's DOM renderer writes `<style>` elements, which the content security policy refuses. Its option
 * `documentOverride` can give it a document whose `createElement("style")` feeds a constructed style sheet
 * (`document.adoptedStyleSheets`): that is CSSOM, and allowed. Its own xterm.css is a file: `useStyleSheet(href)`.
 * What takes all keys itself has the attribute `data-takes-keys`, so that `g`, `/` and `?` are not keys of the page there.
 */
export function Terminal({ run }: RunSlotProps) {
  return <Empty icon="terminal" title={`Run ${run} has nothing to show here.`} />;
}
