import { Empty } from "../../ui/notices.tsx";
import type { RunSlotProps } from "../slot.ts";

/** The tab "Terminal" of the task page. */
export function Terminal({ run }: RunSlotProps) {
  return <Empty icon="terminal" title={`Run ${run} has nothing to show here.`} />;
}
