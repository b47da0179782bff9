import { Empty } from "../../ui/notices.tsx";
import type { RunSlotProps } from "../slot.ts";

/**
 * The tab "Display" of the task page.
 *
 * noVNC sets its styles on elements, and its cursor as a `data:` picture: the content security policy allows both.
 * What takes all keys itself has the attribute `data-takes-keys`, so that `g`, `/` and `?` are not keys of the page there.
 */
export function Display({ run }: RunSlotProps) {
  return <Empty icon="screen" title={`Run ${run} has nothing to show here.`} />;
}
