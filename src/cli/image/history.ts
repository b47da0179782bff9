/** `boxcar image history`: how an image came to be, and all it lies on. */
import type { Config } from "../../config/config.ts";
import { imageHistory } from "../../image/store/history.ts";
import { type CliContext, print, printJson } from "../context.ts";
import { openStore } from "../store.ts";
import { historyTable } from "./describe.ts";

export async function showHistory(
  reference: string,
  flags: { json?: boolean },
  config: Config,
  context: CliContext,
): Promise<void> {
  await using store = await openStore(config);
  const image = await store.inspect(reference);
  const history = imageHistory([image, ...(await store.ancestors(image))]);
  if (flags.json) printJson(context, history);
  else print(context, historyTable(history));
}
