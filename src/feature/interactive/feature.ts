/** The feature `interactive`: the machine stays for a while when its command has ended, for who looks at what is left. */
import { formatDuration } from "../../base/units.ts";
import type { Feature } from "../feature.ts";
import { Keeper } from "./keeper.ts";

export const interactive: Feature = {
  name: "interactive",
  begin({ config, deadline, note, onKeeper, payload, signal, taskId }) {
    // Where nobody can reach the machine, nobody wants it.
    if (payload.interactive === undefined || onKeeper === undefined) return undefined;
    const { keepAfterMs, maxKeepAfterMs } = config.features.interactive;
    const keeper = new Keeper({
      keepAfterMs: payload.interactive.keepAfterMs ?? keepAfterMs,
      ...{ maxKeepAfterMs, deadline },
    });
    onKeeper(keeper);
    return {
      async keep({ vm }) {
        const over = new AbortController();
        void vm.ending.then(() => over.abort());
        const begin = performance.now();
        let kept = false;
        await keeper.wait(AbortSignal.any([signal, over.signal]), (until) => {
          const time = `${until.toISOString().slice(0, 19)}Z`;
          const how = `"boxcar release ${taskId}" gives it back earlier`;
          note(kept ? `the machine is kept until ${time}` : `the machine is kept for a person until ${time}; ${how}`);
          kept = true;
        });
        if (kept) note(`the machine was kept for ${formatDuration(performance.now() - begin)}`);
      },
    };
  },
};
