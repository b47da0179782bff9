/** The forms in which a secret turns up in what programs print. Pure. */

/** Shorter than this, it would be found where it is not meant. */
export const MIN_NEEDLE_BYTES = 8;

/** Columns at which base64 is wrapped: by `openssl` and PEM, and by `base64`. */
const BASE64_COLUMNS = [64, 76] as const;

const ALPHANUMERIC = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** Characters that are left as they are, besides letters and digits. */
const PERCENT_ENCODINGS: readonly { readonly safe: string; readonly plus?: true }[] = [
  // RFC 3986; also Python's quote(safe="").
  { safe: "-_.~" },
  // Python's quote.
  { safe: "-_.~/" },
  // encodeURIComponent
  { safe: "-_.!~*'()" },
  // encodeURI
  { safe: "-_.!~*'();/?:@&=+$,#" },
  // application/x-www-form-urlencoded; with `~` as Python and PHP have it.
  { safe: "*-._", plus: true },
  { safe: "-_.~", plus: true },
  // Go's PathEscape, curl's --data-urlencode of newer versions.
  { safe: "-_.~$&+:=@" },
];

const HOST_NAME = /^[\w.-]+$/;

/** Everything to look for, without doubles; each at least {@link MIN_NEEDLE_BYTES} long if `value` is, trimmed. */
export function formsOf(value: string): Buffer[] {
  const whole = value.toWellFormed();
  const core = whole.trim();
  const lines = core.split(/\r?\n/);
  const texts = [
    core,
    // A terminal ends its lines so.
    lines.join("\r\n"),
    lines.join("\n"),
    ...(lines.length > 1 ? lines.map((line) => line.trim()) : []),
    ...jsonForms(core),
    core.replaceAll("'", `'\\''`),
    // As the log of the network has names of hosts.
    ...(HOST_NAME.test(core) ? [core.toLowerCase()] : []),
    ...percentForms(Buffer.from(core)),
    ...new Set([core, whole, `${core}\n`].flatMap((text) => base64Forms(Buffer.from(text)))),
  ];
  return [...new Set(texts)].map((text) => Buffer.from(text)).filter((needle) => needle.length >= MIN_NEEDLE_BYTES);
}

function jsonForms(text: string): string[] {
  const plain = JSON.stringify(text).slice(1, -1);
  const ascii = escapeUnicode(plain, /[\u007f-\uffff]/g);
  return [
    plain,
    plain.replaceAll("/", "\\/"),
    ascii,
    upperEscapes(ascii),
    ascii.replaceAll("/", "\\/"),
    // Go and others keep it safe inside of HTML.
    escapeUnicode(plain, /[<>&\u2028\u2029]/g),
    upperEscapes(escapeUnicode(plain, /[<>&'\u2028\u2029]/g)),
  ];
}

function escapeUnicode(text: string, characters: RegExp): string {
  return text.replace(characters, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function upperEscapes(text: string): string {
  return text.replace(/\\u([0-9a-f]{4})/g, (_whole, hex: string) => `\\u${hex.toUpperCase()}`);
}

function percentForms(bytes: Buffer): string[] {
  return PERCENT_ENCODINGS.flatMap(({ safe, plus = false }) => {
    const kept = new Set(Buffer.from(ALPHANUMERIC + safe));
    return [true, false].map((upper) =>
      [...bytes].map((byte) => (kept.has(byte) ? String.fromCharCode(byte) : percent(byte, upper, plus))).join(""),
    );
  });
}

function percent(byte: number, upper: boolean, plus: boolean): string {
  if (plus && byte === 0x20) return "+";
  const hex = byte.toString(16).padStart(2, "0");
  return `%${upper ? hex.toUpperCase() : hex}`;
}

/**
 * At all three alignments in a longer text: the characters that hold nothing but bits of the secret, and those with
 * the end of a text that ends with the secret. At both ends of the former up to 4 bits of it are in a character that
 * is shared with what is beside it, and are not looked for.
 */
function base64Forms(bytes: Buffer): string[] {
  const aligned = [0, 1, 2].flatMap((shift) => {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes]).toString("base64");
    const unpadded = encoded.replace(/=+$/, "");
    const begin = Math.ceil((shift * 8) / 6);
    const end = Math.floor(((shift + bytes.length) * 8) / 6);
    return [unpadded.slice(begin, end), unpadded.slice(begin), encoded.slice(begin)];
  });
  const wrapped = BASE64_COLUMNS.flatMap((columns) => {
    const lines = bytes.toString("base64").match(new RegExp(`.{1,${columns}}`, "g")) ?? [];
    return lines.length < 2 ? [] : [lines.join("\n"), lines.join("\r\n"), ...lines];
  });
  const standard = [...aligned, ...wrapped];
  return [...standard, ...standard.map((text) => text.replaceAll("+", "-").replaceAll("/", "_"))];
}
