/** The feature `onExitStatus`: after certain exit codes of its command, a task may be run again. */
import type { Feature } from "../feature.ts";
import { judgeRetry } from "./request.ts";

export const onExitStatus: Feature = {
  name: "onExitStatus",
  begin({ payload }) {
    const { retry } = payload.onExitStatus;
    return retry.length === 0 ? undefined : { judge: (outcome) => judgeRetry(outcome, retry) };
  },
};
