/** Whose process is at the other end of a TCP connection within this host. */
import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";

/** Of both ends together: a port alone may be that of several connections. IPv4, and the same by a socket of IPv6. */
const TABLES = [
  { file: "/proc/net/tcp", loopback: "0100007F" },
  { file: "/proc/net/tcp6", loopback: "0000000000000000FFFF00000100007F" },
] as const;
/** One that is closing has no user any more. */
const ESTABLISHED = "01";

/**
 * The user id of the process at the other end of a connection to 127.0.0.1; undefined where there is no such connection.
 * The kernel's own table says it.
 *
 * @see proc(5), /proc/net/tcp
 */
export async function peerUid({ localPort, remotePort }: Socket): Promise<number | undefined> {
  if (localPort === undefined || remotePort === undefined) return undefined;
  for (const { file, loopback } of TABLES) {
    const ends = [`${loopback}:${hex(remotePort)}`, `${loopback}:${hex(localPort)}`, ESTABLISHED];
    // A host may be without IPv6.
    const table = await readFile(file, "utf8").catch(() => "");
    const rows = table.split("\n").map((line) => line.trim().split(/\s+/));
    const row = rows.find(([, local, remote, state]) => [local, remote, state].join() === ends.join());
    if (row !== undefined) return Number(row[7]);
  }
  return undefined;
}

function hex(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, "0");
}
