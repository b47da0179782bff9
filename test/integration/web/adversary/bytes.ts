/** What is no proper request, as bytes; each is refused, once, whoever is in front of the worker and reads it otherwise. */

const HOST = "Host: 127.0.0.1\r\n";
const JSON_TYPE = "Content-Type: application/json\r\n";
/** What an attacker would have the worker take for a request of somebody else. */
const HIDDEN = `GET /healthz HTTP/1.1\r\n${HOST}\r\n`;

const post = (headers: string, body: string) =>
  `POST /api/v1/session HTTP/1.1\r\n${HOST}${JSON_TYPE}${headers}\r\n${body}`;

export const IMPROPER: Readonly<Record<string, string>> = {
  "a length and chunks": post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", `0\r\n\r\n${HIDDEN}`),
  "chunks and a length": post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", `0\r\n\r\n${HIDDEN}`),
  "two lengths": post("Content-Length: 2\r\nContent-Length: 40\r\n", `{}${HIDDEN}`),
  "two lengths in one": post("Content-Length: 2, 40\r\n", `{}${HIDDEN}`),
  "a length below nothing": post("Content-Length: -1\r\n", HIDDEN),
  "a length with a sign": post("Content-Length: +2\r\n", `{}${HIDDEN}`),
  "a length beyond all numbers": post("Content-Length: 99999999999999999999\r\n", "{}"),
  "chunks that are no chunks": post("Transfer-Encoding: xchunked\r\n", `0\r\n\r\n${HIDDEN}`),
  "chunks, and then not": post("Transfer-Encoding: chunked, identity\r\n", `0\r\n\r\n${HIDDEN}`),
  "chunks behind a space": post("Transfer-Encoding : chunked\r\n", `0\r\n\r\n${HIDDEN}`),
  "a chunk beyond all numbers": post("Transfer-Encoding: chunked\r\n", `fffffffffffffffff\r\n${HIDDEN}`),
  "a chunk without a number": post("Transfer-Encoding: chunked\r\n", `zz\r\n${HIDDEN}`),
  "lines that end in LF": `GET /api/v1/tasks HTTP/1.1\nHost: 127.0.0.1\nContent-Length: 0\n\n${HIDDEN}`,
  "lines that end in CR": `GET /api/v1/tasks HTTP/1.1\rHost: 127.0.0.1\r\r${HIDDEN}`,
  "a header on two lines": `GET /api/v1/tasks HTTP/1.1\r\n${HOST}X-A: b\r\n c: d\r\n: e\r\n\r\n`,
  "a header without a name": `GET /api/v1/tasks HTTP/1.1\r\n${HOST}: a\r\n\r\n`,
  "a header with the end of a text": `GET /api/v1/tasks HTTP/1.1\r\n${HOST}X-A: b\0c\r\n\r\n`,
  "no host": `GET /healthz HTTP/1.1\r\n\r\n`,
  "an address with the end of a text": `GET /healthz\0 HTTP/1.1\r\n${HOST}\r\n`,
  "an address with a space": `GET /healthz HTTP/1.1 HTTP/1.1\r\n${HOST}\r\n`,
  "no version": "GET /api/v1/tasks\r\n\r\n",
  "a version that there is not": `GET /healthz HTTP/9.9\r\n${HOST}\r\n`,
  "HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  "a method that there is not": `EVIL /healthz HTTP/1.1\r\n${HOST}\r\n`,
  "a way to another host": `CONNECT evil.example:80 HTTP/1.1\r\n${HOST}\r\n`,
  "TLS where there is none": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
  "many headers": `GET /healthz HTTP/1.1\r\n${HOST}${"X-A: b\r\n".repeat(3_000)}\r\n`,
  "a header that is long": `GET /healthz HTTP/1.1\r\n${HOST}X-A: ${"b".repeat(20_000)}\r\n\r\n`,
  "cookies that are long": `GET /healthz HTTP/1.1\r\n${HOST}Cookie: ${"boxcar=a; ".repeat(2_000)}\r\n\r\n`,
  "nothing at all": "\r\n".repeat(1_000),
  "a method without an end": "G".repeat(100_000),
};
