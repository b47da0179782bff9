/** What Node does not do with the terminal of this process. */
import { runCommand } from "./command.ts";

/**
 * Lets what is printed through as it is. Node's raw mode is one of input only: the terminal still makes a return and a
 * line feed of each line feed, and programs that move the cursor by one draw over their own text.
 *
 * Never rejects: a text can be read anyhow. Leaving the raw mode takes it back.
 */
export async function letOutputThrough(signal: AbortSignal): Promise<void> {
  await runCommand(["stty", "-F", "/dev/tty", "-opost"], { signal, timeoutMs: 2_000 }).catch(() => {});
}
