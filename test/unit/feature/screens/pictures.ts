/** Pictures as QEMU makes them: true colour without transparency. */
import { PNG } from "pngjs";

export function picture(width: number, height: number, [red, green, blue]: readonly number[]): Buffer {
  const png = new PNG({ width, height });
  for (let at = 0; at < png.data.length; at += 4) png.data.set([red ?? 0, green ?? 0, blue ?? 0, 255], at);
  return PNG.sync.write(png, { colorType: 2 });
}

export function firstPixel(png: PNG): number[] {
  return [...png.data.subarray(0, 3)];
}
