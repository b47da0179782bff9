/**
 * A certificate and its key, as files that may be replaced while the server runs.
 *
 * *Owns* a timer that looks at them; a pair that cannot be used does not take the place of one that can.
 */
import { readFile, stat } from "node:fs/promises";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { messageOf, WorkerError } from "../../base/errors.ts";
import { type Logger, silentLogger } from "../../base/log.ts";

export interface CertificateFiles {
  /** Absolute path, PEM: the certificate, and those it was issued by. */
  readonly certificate: string;
  /** Absolute path, PEM. */
  readonly key: string;
}

export interface CertificateOptions {
  files: CertificateFiles;
  logger?: Logger;
  /** Default 30 s. */
  lookEveryMs?: number;
}

const LOOK_MS = 30_000;

export class Certificate implements Disposable {
  readonly #files: CertificateFiles;
  readonly #logger: Logger;
  readonly #timer: NodeJS.Timeout;
  #pair: SecureContextOptions;
  #version: string;
  #looking: Promise<void> | undefined;
  /** Hears of each new pair. */
  onChange: (pair: SecureContextOptions) => void = () => {};

  private constructor({ files, logger = silentLogger, lookEveryMs = LOOK_MS }: CertificateOptions, read: Read) {
    this.#files = files;
    this.#logger = logger;
    this.#pair = read.pair;
    this.#version = read.version;
    this.#timer = setInterval(() => void this.look(), lookEveryMs).unref();
  }

  /** @throws {WorkerError} `bad-certificate` */
  static async open(options: CertificateOptions): Promise<Certificate> {
    return new Certificate(options, await read(options.files));
  }

  get pair(): SecureContextOptions {
    return this.#pair;
  }

  /** Reads the files if they have changed; never throws. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #look(): Promise<void> {
    try {
      if ((await versionOf(this.#files)) === this.#version) return;
      const { pair, version } = await read(this.#files);
      this.#pair = pair;
      this.#version = version;
      this.onChange(pair);
      this.#logger.log("info", "read the new certificate of the HTTP API", { file: this.#files.certificate });
    } catch (error) {
      this.#logger.log("error", `${messageOf(error)}; the one before stays in use`);
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

interface Read {
  readonly pair: SecureContextOptions;
  readonly version: string;
}

async function read(files: CertificateFiles): Promise<Read> {
  try {
    const version = await versionOf(files);
    const [cert, key] = await Promise.all([readFile(files.certificate), readFile(files.key)]);
    const pair = { cert, key };
    createSecureContext(pair);
    return { pair, version };
  } catch (cause) {
    const message = `worker.http.tls: ${files.certificate} and ${files.key} are no certificate and its key: ${messageOf(cause)}`;
    throw new WorkerError(message, { code: "bad-certificate", blame: "host", cause });
  }
}

async function versionOf({ certificate, key }: CertificateFiles): Promise<string> {
  const found = await Promise.all([stat(certificate), stat(key)]);
  return found.map(({ ino, mtimeMs, size }) => `${ino} ${mtimeMs} ${size}`).join(" ");
}
