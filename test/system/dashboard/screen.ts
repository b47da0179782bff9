/** What is on a machine's screen or in its shell, as the page shows it. */
import type { Page } from "playwright-core";
import { expect } from "vitest";
import { SOON } from "./host.ts";

/** How many pixels of the screen are bright. */
export function lit(page: Page): Promise<number> {
  return page.locator(".screen-target canvas").evaluate((element) => {
    const canvas = element as HTMLCanvasElement;
    const data = canvas.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
    let count = 0;
    for (let at = 0; at < data.length; at += 4) if ((data[at] ?? 0) > 60) count++;
    return count;
  });
}

/** Resolves with how bright it is, when there is something to see. */
export async function untilScreenShown(page: Page): Promise<number> {
  await page.locator('.screen-target[data-state="connected"] canvas').waitFor();
  await expect.poll(() => lit(page), SOON).toBeGreaterThan(100);
  return await lit(page);
}

/** The lines of the shell that is shown. */
export function shellText(page: Page): Promise<string> {
  return page
    .locator(".shell:not([hidden]) .xterm-rows")
    .evaluate((rows) => [...rows.children].map((row) => row.textContent).join("\n"));
}

export async function untilShellShows(page: Page, wanted: RegExp): Promise<void> {
  await expect.poll(() => shellText(page), SOON).toMatch(wanted);
}

export const PROMPT = /[#$]\s*$/;
