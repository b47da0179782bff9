/**
 * The screen of a machine that is being made, for VNC viewers at a TCP address.
 *
 * Trust boundary. VNC knows no users: of who connects on loopback the kernel is asked, and others than this user are
 * turned away. Whoever asks for another address has to say himself who reaches it. The machine may change, as it does
 * when its guest restarts it; viewers connect again then.
 */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import { messageOf } from "../../base/errors.ts";
import { peerUid } from "../../host/peer-uid.ts";
import { BuildMachineError } from "./errors.ts";

export interface ScreenAddress {
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
}

const LOOPBACK = "127.0.0.1";
export const ANY_LOCAL: ScreenAddress = { host: LOOPBACK, port: 0 };

const MAX_VIEWERS = 16;

export class Screen implements AsyncDisposable {
  /** As viewers take it. */
  readonly url: string;
  /** Others than this user can see the screen, and type. */
  readonly isOpen: boolean;
  readonly #server: Server;
  readonly #viewers: Set<Socket>;

  private constructor(server: Server, viewers: Set<Socket>, host: string, port: number) {
    this.#server = server;
    this.#viewers = viewers;
    this.isOpen = host !== LOOPBACK;
    this.url = `vnc://${host.includes(":") ? `[${host}]` : host}:${port}`;
  }

  /**
   * @param socketPath Where QEMU shows the screen now; undefined while there is no machine.
   * @throws {BuildMachineError} `cannot-listen`
   */
  static async serve({ host, port }: ScreenAddress, socketPath: () => string | undefined): Promise<Screen> {
    const viewers = new Set<Socket>();
    const server = createServer({ pauseOnConnect: true }, (viewer) => {
      viewers.add(viewer);
      viewer.once("close", () => viewers.delete(viewer));
      viewer.on("error", () => {});
      void show(viewer, host, socketPath).catch(() => viewer.destroy());
    });
    server.maxConnections = MAX_VIEWERS;
    server.listen({ host, port });
    try {
      await once(server, "listening");
    } catch (cause) {
      const message = `the screen cannot be served at ${host}, port ${port}: ${messageOf(cause)}`;
      throw new BuildMachineError("cannot-listen", message, { blame: "host", cause });
    }
    const address = server.address();
    return new Screen(server, viewers, host, typeof address === "object" && address !== null ? address.port : port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const viewer of this.#viewers) viewer.destroy();
  }
}

async function show(viewer: Socket, host: string, socketPath: () => string | undefined): Promise<void> {
  const path = socketPath();
  const isWelcome = host !== LOOPBACK || (await peerUid(viewer)) === process.getuid?.();
  if (path === undefined || !isWelcome) throw new Error("there is nothing to see");
  const display = connect(path);
  await Promise.all([pipeline(viewer, display), pipeline(display, viewer)]);
}
