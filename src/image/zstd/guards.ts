/** Checks around a decoder that are the same whatever decodes. */
import { outputTooLarge } from "./codec.ts";
import { FrameWalker } from "./frame-walker.ts";

/** Passes `source` on while its structure can be accepted; throws before the decoder sees the offending chunk. */
export async function* walked(source: AsyncIterable<Uint8Array>, maxOutputBytes: number): AsyncGenerator<Uint8Array> {
  const walker = new FrameWalker();
  for await (const chunk of source) {
    walker.push(chunk);
    if ((walker.contentBytes ?? 0) > maxOutputBytes) throw outputTooLarge(maxOutputBytes);
    yield chunk;
  }
  walker.end();
}
