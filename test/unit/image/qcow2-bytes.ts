/** Headers of qcow2 files for tests, one field at a time. */
import { buildOverlay } from "../../../src/qcow2/overlay.ts";

/** The start of a good layer.qcow2. */
export function goodLayer(virtualBytes = 1_024 ** 3): Buffer {
  const { pieces } = buildOverlay({ virtualBytes, backingFile: "disk.img", backingFormat: "raw" });
  const file = Buffer.alloc(65_536);
  file.set(pieces[0]?.data as Buffer, 0);
  return file;
}

/** A good layer with some bytes changed in place. */
export function layerWith(change: (layer: Buffer) => void): Buffer {
  const layer = goodLayer();
  change(layer);
  return layer;
}

/** Replaces the list of header extensions; the name of the backing file moves behind them. */
export function layerWithExtensions(
  extensions: readonly (readonly [type: number, text: string])[],
  backingFile = "disk.img",
): Buffer {
  return layerWith((layer) => {
    let offset = 112;
    for (const [type, text] of extensions) {
      layer.fill(0, offset, offset + 8 + Math.ceil(text.length / 8) * 8);
      layer.writeUInt32BE(type, offset);
      layer.writeUInt32BE(text.length, offset + 4);
      layer.write(text, offset + 8, "latin1");
      offset += 8 + Math.ceil(text.length / 8) * 8;
    }
    layer.fill(0, offset, offset + 8);
    layer.writeBigUInt64BE(BigInt(offset + 8), 8);
    layer.writeUInt32BE(backingFile.length, 16);
    layer.write(backingFile, offset + 8, "latin1");
  });
}
