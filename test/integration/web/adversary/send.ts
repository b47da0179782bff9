/** Sends what is no proper request as well. */
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
import type { Answer } from "../access-service.ts";
import type { Attempt } from "./attempts.ts";

export async function send(
  port: number,
  { ask, headers = {}, body }: Pick<Attempt, "ask" | "headers" | "body">,
): Promise<Answer> {
  const [, method = "GET", path = ask] = /^([A-Z]+) (.*)$/s.exec(ask) ?? [];
  const type: Record<string, string> = method === "GET" ? {} : { "content-type": "application/json" };
  const content = body === undefined || typeof body === "string" ? (body ?? "") : JSON.stringify(body);
  const length: Record<string, string> = content === "" ? {} : { "content-length": String(Buffer.byteLength(content)) };
  const asked = request({
    host: "127.0.0.1",
    port,
    method,
    path,
    headers: { ...type, ...length, ...headers },
    agent: false,
  });
  // A large body is not read to its end.
  asked.on("error", () => {});
  asked.end(content);
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  const said = await text(response);
  const isJson = response.headers["content-type"]?.startsWith("application/json") === true;
  return {
    ...{ status: response.statusCode ?? 0, headers: response.headers, cookies: [], text: said },
    json: isJson && said !== "" ? JSON.parse(said) : undefined,
  };
}
