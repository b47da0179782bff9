import { request } from "../../core/api.ts";

export interface TextStart {
  readonly text: string;
  /** There is more. */
  readonly isCut: boolean;
}

/** The first bytes of a text; the rest is not fetched. @throws {ApiFailure} */
export async function readStart(path: string, maxBytes: number, signal: AbortSignal): Promise<TextStart> {
  const { body } = await request("GET", path, undefined, signal);
  if (body === null) return { text: "", isCut: false };
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of body) {
    const rest = chunk.subarray(0, maxBytes - bytes);
    text += decoder.decode(rest, { stream: true });
    bytes += rest.length;
    // Leaving the loop cancels the rest.
    if (rest.length < chunk.length) return { text: text + decoder.decode(), isCut: true };
  }
  return { text: text + decoder.decode(), isCut: false };
}
