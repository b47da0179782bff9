import { Empty } from "../../ui/notices.tsx";
import type { RunSlotProps } from "../slot.ts";

/** The tab "Display" of the task page. */
export function Display({ run }: RunSlotProps) {
  return <Empty icon="screen" title={`Run ${run} has nothing to show here.`} />;
}
