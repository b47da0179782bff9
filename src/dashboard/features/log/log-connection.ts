/**
 * The live log over a websocket (docs/logs.md), from where it broke off.
 *
 *   connecting ──{"offset": N}──▶ open ──close 1000──▶ ended
 *        ▲                         │ anything else
 *        └───── growing pause ◀────┘
 *   connecting ──404──▶ missing (tried again, where a run that begins gets a log)
 */
import { ApiFailure, request, socketUrl } from "../../core/api.ts";

export type ConnectionState = "connecting" | "open" | "waiting" | "missing" | "ended" | "refused";

export interface LogConnectionOptions {
  /** Of the log, below the API. */
  path: string;
  /** Whether a log that is not there may come. */
  isLive: boolean;
  onBytes: (bytes: Uint8Array) => void;
  /** The log begins anew: what came so far is not of it. */
  onReset: () => void;
  onState: (state: ConnectionState, error?: ApiFailure) => void;
}

const MIN_PAUSE_MS = 300;
const MAX_PAUSE_MS = 10_000;
const MISSING_PAUSE_MS = 2_000;

export class LogConnection implements Disposable {
  readonly #options: LogConnectionOptions;
  #socket: WebSocket | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #position = 0;
  #pauseMs = MIN_PAUSE_MS;
  #isOver = false;

  constructor(options: LogConnectionOptions) {
    this.#options = options;
    this.#connect();
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#socket?.close();
  }

  #connect(): void {
    const { path, onState } = this.#options;
    const socket = new WebSocket(socketUrl(`${path}?from=${this.#position}&follow=1`));
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    onState("connecting");
    let wasOpen = false;
    socket.addEventListener("message", ({ data }: MessageEvent<string | ArrayBuffer>) => {
      if (this.#isOver) return;
      if (typeof data === "string") {
        wasOpen = true;
        this.#begin(data);
      } else this.#take(new Uint8Array(data));
    });
    socket.addEventListener("close", ({ code }) => {
      if (this.#isOver) return;
      if (code === 1000) onState("ended");
      else if (wasOpen) this.#again();
      else void this.#explain();
    });
  }

  #begin(text: string): void {
    const { offset } = JSON.parse(text) as { offset: number };
    if (offset !== this.#position) {
      this.#options.onReset();
      this.#position = offset;
    }
    this.#pauseMs = MIN_PAUSE_MS;
    this.#options.onState("open");
  }

  #take(bytes: Uint8Array): void {
    this.#position += bytes.length;
    this.#options.onBytes(bytes);
  }

  /** A browser does not say why it could not connect; the same address over HTTP does. */
  async #explain(): Promise<void> {
    try {
      const response = await request("GET", `${this.#options.path}?from=-1`);
      await response.body?.cancel();
    } catch (error) {
      if (this.#isOver) return;
      if (error instanceof ApiFailure && error.status === 404) {
        this.#options.onState("missing", error);
        if (this.#options.isLive) this.#later(MISSING_PAUSE_MS);
        return;
      }
      if (error instanceof ApiFailure && (error.status === 401 || error.status === 403)) {
        this.#options.onState("refused", error);
        return;
      }
      if (error instanceof ApiFailure && error.status === 416) {
        this.#options.onReset();
        this.#position = 0;
      }
    }
    this.#again();
  }

  #again(): void {
    if (this.#isOver) return;
    this.#options.onState("waiting");
    this.#later(this.#pauseMs);
    this.#pauseMs = Math.min(MAX_PAUSE_MS, this.#pauseMs * 2);
  }

  #later(pauseMs: number): void {
    this.#timer = setTimeout(() => this.#connect(), pauseMs);
  }
}
