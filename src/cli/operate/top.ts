/** Asks for what there is, once or again and again. */
import type { Readable } from "node:stream";
import { setTimeout as after } from "node:timers/promises";
import { codeOf, messageOf } from "../../base/errors.ts";
import { type CliContext, print, printJson } from "../context.ts";
import type { ServerAddress } from "../server/address.ts";
import { ask } from "../server/server.ts";
import { type Overview, topView } from "./top-view.ts";

const EVERY_MS = 1_000;
/** The last one is what Ctrl-C sends to a raw terminal. */
const QUIT_KEYS = ["q", "Q", "\u0003"] as const;
const WIDE = { columns: 1_000, rows: 10_000 };

/** Another screen, which is gone when one leaves; no cursor on it. */
const ENTER = "\u001b[?1049h\u001b[?25l";
const LEAVE = "\u001b[?25h\u001b[?1049l";
const HOME = "\u001b[H";
const CLEAR_LINE = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";

export async function printTop(server: ServerAddress, context: CliContext, asJson: boolean): Promise<void> {
  const overview = await look(server, context.signal);
  if (asJson) printJson(context, overview);
  else print(context, topView(overview, new Date(), WIDE));
}

/** Until q is typed, or the signal fires; a worker that does not answer meanwhile is asked again. */
export async function watchTop(server: ServerAddress, context: CliContext): Promise<void> {
  const { stdout } = context;
  // What is wrong from the beginning is an error.
  let overview = await look(server, context.signal);
  using quit = quitKey(context);
  stdout.write(ENTER);
  let trouble = "";
  try {
    while (!quit.signal.aborted) {
      const { columns = 80, rows = 24 } = stdout as typeof stdout & { columns?: number; rows?: number };
      const view = topView(overview, new Date(), { columns, rows: rows - 2 });
      const text = [...view.split("\n"), trouble].map((line) => `${line}${CLEAR_LINE}`).join("\r\n");
      stdout.write(`${HOME}${text}${CLEAR_BELOW}`);
      await after(EVERY_MS, undefined, { signal: quit.signal }).catch(() => {});
      if (quit.signal.aborted) break;
      try {
        overview = await look(server, quit.signal);
        trouble = "";
      } catch (error) {
        trouble = quit.signal.aborted ? "" : messageOf(error);
      }
    }
  } finally {
    stdout.write(LEAVE);
  }
}

async function look(server: ServerAddress, signal: AbortSignal): Promise<Overview> {
  const [queue, workers, machines] = await Promise.all([
    ask<Overview["queue"]>({ server, path: "/api/v1/queue", signal }).catch(absentWhere("not-found")),
    ask<Overview["workers"]>({ server, path: "/api/v1/workers", signal }),
    ask<Overview["machines"]>({ server, path: "/api/v1/machines", signal }),
  ]);
  return { ...(queue === undefined ? {} : { queue }), workers, machines };
}

function absentWhere(code: string) {
  return (error: unknown): undefined => {
    if (codeOf(error) !== code) throw error;
  };
}

function quitKey({ stdin, signal }: CliContext): { readonly signal: AbortSignal } & Disposable {
  const input = stdin as Readable & { setRawMode?: (raw: boolean) => unknown };
  const quit = new AbortController();
  const onData = (chunk: Buffer) => {
    if (QUIT_KEYS.some((key) => chunk.includes(key))) quit.abort();
  };
  input.setRawMode?.(true);
  input.on("data", onData);
  return {
    signal: AbortSignal.any([signal, quit.signal]),
    [Symbol.dispose]() {
      input.off("data", onData);
      input.setRawMode?.(false);
      input.pause();
    },
  };
}
