/**
 * The part of zstd-codec that can be trusted: the stream bindings of its WebAssembly module.
 *
 * Its memory is fixed, an allocation that fails aborts the whole module, and a binding is only freed by
 * `delete()`. So each stream gets a worker thread of its own, and the thread ends with the stream.
 */
import { createRequire } from "node:module";

type Sink = (bytes: Uint8Array) => void;

/** `false` from any of them means that zstd reported an error. The bytes of a sink are only valid inside the call. */
export interface StreamBinding {
  transform(chunk: Uint8Array, sink: Sink): boolean;
  end(sink: Sink): boolean;
  delete(): void;
}

export interface CodecModule {
  ZstdCompressStreamBinding: new () => StreamBinding & { begin(level: number): boolean };
  ZstdDecompressStreamBinding: new () => StreamBinding & { begin(): boolean };
}

interface Loader {
  run(onReady: (module: CodecModule) => void): void;
}

export function loadCodecModule(): Promise<{ module: CodecModule }> {
  const loader = createRequire(import.meta.url)("zstd-codec/lib/module.js") as Loader;
  // The module has a `then` of its own: a promise of it alone would never settle.
  return new Promise((resolve) => loader.run((module) => resolve({ module })));
}
