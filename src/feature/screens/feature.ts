/** The features `screenshots` and `video`. */
import { once } from "node:events";
import { join } from "node:path";
import type { Feature, TaskMachine } from "../feature.ts";
import { Screens } from "./screens.ts";
import { takeScreenshot } from "./take-screenshot.ts";

export const screens: Feature = {
  name: "screens",
  begin({ artifacts, directory, note, onScreens, payload, signal, stateParent }) {
    const series = new Screens({ request: payload, sink: artifacts.sink, parent: stateParent, note, signal });
    onScreens(series);
    const showFailure = async ({ vm }: TaskMachine): Promise<void> => {
      if (!payload.screenshots.onFailure) return;
      const name = "failure.png";
      const file = join(directory, name);
      if (await takeScreenshot(vm, file, note, name)) await series.keepFailure(file);
    };
    return {
      async watch({ vm }, over) {
        await series.during(vm, async () => {
          if (!over.aborted) await once(over, "abort");
        });
        return undefined;
      },
      async collect(machine, { state }) {
        if (state !== "completed") await showFailure(machine);
        return [];
      },
      salvage: showFailure,
      finish: () => series.finish(),
      async [Symbol.asyncDispose]() {
        await series[Symbol.asyncDispose]();
        // Also of a run that was cancelled.
        artifacts.add(...series.records);
      },
    };
  },
};
