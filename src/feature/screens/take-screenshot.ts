/** One picture of a machine's screen, where it can be had. */
import { messageOf } from "../../base/errors.ts";
import type { Screen } from "./frame-store.ts";

/**
 * A machine without graphics, or a full disk, is no reason to fail a task. Resolves with whether there is a picture.
 *
 * @param shownAs What readers of the log find it by; where a worker has its folders is not for them.
 */
export async function takeScreenshot(
  screen: Screen,
  file: string,
  note: (text: string) => void,
  shownAs: string = file,
): Promise<boolean> {
  try {
    await screen.screenshot(file);
  } catch (error) {
    note(`no picture of the screen: ${messageOf(error)}`);
    return false;
  }
  note(`the screen is in ${shownAs}`);
  return true;
}
