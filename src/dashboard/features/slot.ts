/** What the parts of the task page get: display, terminal, artifacts and the like. */
import type { ApiRunReport, ApiTaskDetails } from "../../generated/api.ts";

/**
 * `task` and `report` are new objects whenever the server says that something has changed: a part compares values, not
 * objects, and keeps its connection as long as `run` and `report.live` allow it.
 *
 * A part is rendered while its tab is open, and unmounted when one leaves it or looks at another run. It is as high as
 * what it shows; `.fill` makes it as high as the window.
 */
export interface RunSlotProps {
  readonly task: ApiTaskDetails;
  /** Never `latest`: the number it stands for. */
  readonly run: number;
  /** Undefined: not here yet, or the run has not begun. */
  readonly report: ApiRunReport | undefined;
}
