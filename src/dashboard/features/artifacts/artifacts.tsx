import { Empty } from "../../ui/notices.tsx";
import type { RunSlotProps } from "../slot.ts";

/** The tab "Artifacts" of the task page. */
export function Artifacts({ run }: RunSlotProps) {
  return <Empty icon="archive" title={`Run ${run} has nothing to show here.`} />;
}
