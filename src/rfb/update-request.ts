/** Requests for updates of the screen, several as one. Pure. */

export interface UpdateRequest {
  /** Only what has changed; otherwise all of the rectangle. */
  readonly incremental: boolean;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const TYPE = 3;
const MAX = 0xffff;

/** @param message Of the kind `update-request`. */
export function parseUpdateRequest(message: Buffer): UpdateRequest {
  const [x, y, width, height] = [2, 4, 6, 8].map((at) => message.readUInt16BE(at)) as [number, number, number, number];
  return { incremental: message[1] !== 0, x, y, width, height };
}

export function encodeUpdateRequest({ incremental, x, y, width, height }: UpdateRequest): Buffer {
  const message = Buffer.of(TYPE, incremental ? 1 : 0, 0, 0, 0, 0, 0, 0, 0, 0);
  for (const [index, value] of [x, y, width, height].entries()) message.writeUInt16BE(value, 2 + 2 * index);
  return message;
}

/** One that asks for all that both ask for. */
export function mergeUpdateRequests(one: UpdateRequest, other: UpdateRequest): UpdateRequest {
  const [x, y] = [Math.min(one.x, other.x), Math.min(one.y, other.y)];
  const right = Math.max(one.x + one.width, other.x + other.width);
  const bottom = Math.max(one.y + one.height, other.y + other.height);
  return {
    incremental: one.incremental && other.incremental,
    ...{ x, y, width: Math.min(right - x, MAX), height: Math.min(bottom - y, MAX) },
  };
}
