/** As much of a browser as logins need: it keeps cookies for each port of this host, and goes where it is sent. */
import { type Answer, ask } from "./access-service.ts";

export class Browser {
  readonly #jars = new Map<string, Map<string, string>>();

  /** One answer, wherever it leads. */
  async get(url: string | URL, headers: Record<string, string> = {}): Promise<Answer> {
    const { port, pathname, search } = new URL(url);
    const jar = this.#jarOf(port);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const answer = await ask(Number(port), `${pathname}${search}`, {
      headers: { ...headers, ...(cookie && { cookie }) },
    });
    for (const line of answer.cookies) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      const isGone = /; max-age=0\b/i.test(line) || /; expires=Thu, 01 Jan 1970/i.test(line);
      if (isGone) jar.delete(name);
      else jar.set(name, value);
    }
    return answer;
  }

  setCookie(port: string, name: string, value: string): void {
    this.#jarOf(port).set(name, value);
  }

  cookie(port: string | number, name: string): string | undefined {
    return this.#jarOf(String(port)).get(name);
  }

  /** Follows until it would go to a path that begins so. */
  async follow(url: string | URL, until: string): Promise<URL> {
    for (let at = new URL(url), steps = 0; steps < 10; steps++) {
      const { headers, status, text } = await this.get(at);
      if (headers.location === undefined) throw new Error(`${at} leads nowhere: ${status} ${text}`);
      at = new URL(headers.location, at);
      if (at.pathname.startsWith(until)) return at;
    }
    throw new Error(`${url} leads round and round`);
  }

  #jarOf(port: string): Map<string, string> {
    const jar = this.#jars.get(port) ?? new Map<string, string>();
    this.#jars.set(port, jar);
    return jar;
  }
}
