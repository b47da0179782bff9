/** For who runs a task by hand and wants to see how it left the screen. */
import type { Feature } from "../feature.ts";
import { takeScreenshot } from "./take-screenshot.ts";

/** @param file Absolute path of the PNG that is written. */
export function finalScreen(file: string): Feature {
  return {
    name: "final-screen",
    begin: ({ note }) => ({
      async collect({ vm }) {
        await takeScreenshot(vm, file, note);
        return [];
      },
    }),
  };
}
