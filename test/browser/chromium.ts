/** Debian's Chromium, without a window. */
import { access } from "node:fs/promises";
import { type Browser, chromium } from "playwright-core";

const PATHS = ["/usr/bin/chromium", "/usr/bin/chromium-browser"];

export async function launchChromium(): Promise<Browser> {
  // Its own sandbox wants a user that is not root.
  const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  return await chromium.launch({
    executablePath: await findChromium(),
    args: [...sandbox, "--disable-dev-shm-usage", "--hide-scrollbars"],
  });
}

async function findChromium(): Promise<string> {
  for (const path of PATHS) {
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  throw new Error("there is no Chromium: run scripts/setup.sh");
}
