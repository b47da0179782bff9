/**
 * The dashboard in a browser, as a person has it.
 *
 * Whatever a page must never do is collected while it is open: scripts that throw, errors on the console (a violated
 * content security policy is one), requests to other hosts. {@link Dashboard.faults} has them.
 *
 * *Owns* its tab, *borrows* browser and server.
 */
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { AxeResults } from "axe-core";
import type { Browser, BrowserContext, Page } from "playwright-core";

export const VIEWPORTS = {
  desktop: { width: 1440, height: 900 },
  phone: { width: 390, height: 844 },
} as const;

export interface DashboardOptions {
  /** Default: desktop. */
  viewport?: keyof typeof VIEWPORTS;
  /** What the browser prefers; default: light. */
  theme?: "light" | "dark";
  /** Sent with every request; for servers that want a token. */
  headers?: Record<string, string>;
  /** Such as that of a session. */
  cookies?: readonly { readonly name: string; readonly value: string }[];
  reducedMotion?: boolean;
}

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
/** Of what a page is waited for; two cores may have much else to do. */
const TIMEOUT_MS = 30_000;
/** Pictures of pages that a test takes, to be looked at. */
const PICTURES = join(import.meta.dirname, "../../build/dashboard-pictures");

export class Dashboard implements AsyncDisposable {
  readonly page: Page;
  /** What must not be; tests expect it to be empty. */
  readonly faults: string[] = [];
  readonly #context: BrowserContext;
  readonly #origin: string;

  private constructor(context: BrowserContext, page: Page, origin: string) {
    this.#context = context;
    this.page = page;
    this.#origin = origin;
  }

  /** @param origin Such as `http://127.0.0.1:8080`. */
  static async open(browser: Browser, origin: string, path = "/", options: DashboardOptions = {}): Promise<Dashboard> {
    const { viewport = "desktop", theme = "light", headers, cookies = [], reducedMotion = true } = options;
    const context = await browser.newContext({
      viewport: VIEWPORTS[viewport],
      colorScheme: theme,
      locale: "en-GB",
      timezoneId: "UTC",
      reducedMotion: reducedMotion ? "reduce" : "no-preference",
      permissions: ["clipboard-read", "clipboard-write"],
      ...(headers === undefined ? {} : { extraHTTPHeaders: headers }),
      ...(viewport === "phone" ? { hasTouch: true, isMobile: true } : {}),
    });
    await context.addCookies(cookies.map((cookie) => ({ ...cookie, url: origin })));
    const dashboard = new Dashboard(context, await context.newPage(), origin);
    dashboard.page.setDefaultTimeout(TIMEOUT_MS);
    dashboard.#watch();
    await dashboard.goto(path);
    return dashboard;
  }

  /** Resolves when the page has its title; what it loads may still come. */
  async goto(path: string): Promise<void> {
    await this.page.goto(this.#origin + path);
    await this.page.locator("h1").first().waitFor();
  }

  /** @returns what axe finds, one line each; the rules of WCAG 2.2 A, AA and its good practices. */
  async accessibilityFaults(): Promise<string[]> {
    // As text for evaluate: the policy of the page allows no script to be put into it.
    if (!(await this.page.evaluate(() => "axe" in window))) {
      const { readFile } = await import("node:fs/promises");
      await this.page.evaluate(await readFile(AXE, "utf8"));
    }
    const results = await this.page.evaluate(async () => {
      const { axe } = window as unknown as { axe: { run: (options: object) => Promise<AxeResults> } };
      return await axe.run({ resultTypes: ["violations"] });
    });
    return results.violations.flatMap(({ id, impact, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${impact} ${id}: ${target.join(" ")}: ${failureSummary}`),
    );
  }

  /** @returns the file, below build/. */
  async picture(name: string, { fullPage = false } = {}): Promise<string> {
    await mkdir(PICTURES, { recursive: true });
    const path = join(PICTURES, `${name}.png`);
    await this.page.screenshot({ path, fullPage });
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#context.close();
  }

  #watch(): void {
    const { page, faults } = this;
    page.on("pageerror", (error) => faults.push(`threw: ${error.stack ?? error.message}`));
    page.on("console", (message) => {
      if (message.type() === "error") faults.push(`console: ${message.text()} (${message.location().url})`);
    });
    page.on("request", (request) => {
      const { origin, protocol } = new URL(request.url());
      if (protocol.startsWith("http") && origin !== this.#origin) faults.push(`asked another host: ${request.url()}`);
    });
  }
}
