/** Whose process is at the other end of a TCP connection within this host. */
import { readFile } from "node:fs/promises";

/**
 * The user id of the process that connected from `port` of a loopback address; undefined where there is no such
 * connection. The kernel's own table says it.
 *
 * @see proc(5), /proc/net/tcp
 */
export async function peerUid(port: number): Promise<number | undefined> {
  const table = await readFile("/proc/net/tcp", "utf8");
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const row = table
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .find(([, address]) => address === local);
  return row === undefined ? undefined : Number(row[7]);
}
