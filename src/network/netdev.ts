/**
 * QEMU's side of the link: the value of `-netdev` for an inherited socket.
 *
 * @param backend `stream` needs QEMU ≥ 7.2; `socket` is its older form, with the same framing.
 */
export function netdevArgument(id: string, fd: number, backend: "stream" | "socket" = "stream"): string {
  if (backend === "socket") return `socket,id=${id},fd=${fd}`;
  return `stream,id=${id},server=off,addr.type=fd,addr.str=${fd}`;
}
