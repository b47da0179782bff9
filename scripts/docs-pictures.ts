/**
 * Makes the pictures of the README from those that the tests of the dashboard have taken:
 *
 *     npm run test:system -- test/system/dashboard/pages.test.ts
 *     node scripts/docs-pictures.ts
 */
import { join } from "node:path";
import sharp from "sharp";

const ROOT = join(import.meta.dirname, "..");
const TAKEN = join(ROOT, "build/dashboard-pictures");

/** Below that there is nothing in the page. */
const PICTURES = [
  { from: "real-overview-desktop-light.png", to: "dashboard-overview.png", heightPx: 750 },
  { from: "real-task-failed-desktop-light.png", to: "dashboard-task.png", heightPx: 880 },
] as const;

for (const { from, to, heightPx } of PICTURES) {
  const picture = sharp(join(TAKEN, from));
  const { width } = await picture.metadata();
  const { size } = await picture
    .extract({ left: 0, top: 0, width, height: heightPx })
    .png({ palette: true, colours: 128, compressionLevel: 9, effort: 10 })
    .toFile(join(ROOT, "docs/pictures", to));
  process.stdout.write(`docs/pictures/${to}: ${Math.ceil(size / 1_024)} KiB\n`);
}
