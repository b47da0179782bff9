/**
 * The dashboard as files: the page at all its addresses, and what the page loads.
 *
 * Only what the manifest of the build names is there. What has a hash in its name never changes, the page always may.
 * No script, style or connection of the page leads to another host, and nothing in it may run but these files.
 */
import { readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { type Request, type Response, Router } from "express";

/** dist/dashboard/manifest.json, written by scripts/build-dashboard.ts. */
export interface DashboardManifest {
  /** Name of the page's file. */
  readonly page: string;
  /** First parts of the paths that the page answers. */
  readonly pages: readonly string[];
  /** Files of the first load. */
  readonly firstLoad: readonly string[];
  /** By the path after the "/": the file as it is, and packed. */
  readonly files: Readonly<Record<string, readonly string[]>>;
}

const DIRECTORY = join(import.meta.dirname, "../../dist/dashboard");

/** What a page may load, from where. Styles that scripts set on elements are not meant by `style-src`. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "media-src 'self' blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "frame-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const PAGE_HEADERS = {
  "Content-Security-Policy": CONTENT_SECURITY_POLICY,
  "Cross-Origin-Opener-Policy": "same-origin",
  "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
  "Referrer-Policy": "same-origin",
  "X-Frame-Options": "DENY",
};

const IMMUTABLE = "public, max-age=31536000, immutable";
const ENCODINGS = [
  ["br", ".br"],
  ["gzip", ".gz"],
] as const;

/** @throws The dashboard has not been built: "npm run build". */
export function readDashboardManifest(directory = DIRECTORY): DashboardManifest {
  return JSON.parse(readFileSync(join(directory, "manifest.json"), "utf8")) as DashboardManifest;
}

/** To be put at "/", after what else is there. */
export function dashboardFiles({ directory = DIRECTORY } = {}): Router {
  const manifest = readDashboardManifest(directory);
  const page = readPage(directory, manifest);
  const router = Router({ caseSensitive: true });
  router.get(
    Object.keys(manifest.files).map((name) => `/${name}`),
    (request, response, next) => {
      const name = request.path.slice(1);
      if (name === manifest.page) response.redirect(308, "/");
      else if (Object.hasOwn(manifest.files, name)) sendFile(name, request, response);
      else next();
    },
  );
  router.get(
    manifest.pages.flatMap((first) => (first === "" ? ["/"] : [`/${first}`, `/${first}/{*rest}`])),
    (request, response) => {
      const file = prepare(manifest.page, request, response);
      response.set(PAGE_HEADERS).send(page.get(file));
    },
  );
  return router;

  function sendFile(name: string, request: Request, response: Response): void {
    const file = prepare(name, request, response);
    response.sendFile(file, { root: directory, cacheControl: false, acceptRanges: false });
  }

  /** @returns the file that has it as the client takes it. */
  function prepare(name: string, request: Request, response: Response): string {
    const stored = manifest.files[name] ?? [];
    const packed = ENCODINGS.find(
      ([encoding, suffix]) => stored.includes(name + suffix) && request.acceptsEncodings(encoding) !== false,
    );
    if (packed !== undefined) response.set("Content-Encoding", packed[0]);
    response
      .set({
        "Cache-Control": name.startsWith("assets/") ? IMMUTABLE : "no-cache",
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
      })
      .vary("Accept-Encoding")
      .type(extname(name));
    return packed === undefined ? name : name + packed[1];
  }
}

/** Kept: a later build may replace the file, and the new page names files that this manifest does not have. */
function readPage(directory: string, { page, files }: DashboardManifest): ReadonlyMap<string, Buffer> {
  return new Map((files[page] ?? []).map((file) => [file, readFileSync(join(directory, file))]));
}
