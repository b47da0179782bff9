/**
 * What a client of RFB may say, and how long each message is. Pure.
 *
 * The numbers and lengths are those that QEMU reads by; a message that is longer to QEMU than it is here would let a
 * client hide one inside another.
 *
 * @see RFC 6143, section 7.5; the community's registry of further messages
 */
import { RfbProtocolError } from "./errors.ts";

export type RfbClientKind =
  | "version"
  | "security"
  | "init"
  | "pixel-format"
  | "encodings"
  | "update-request"
  | "key"
  | "pointer"
  | "cut-text"
  | "continuous-updates"
  | "fence"
  | "desktop-size"
  | "extended-key"
  | "audio";

/** How much of a message has to be there before more is known of it: its length, or only how much more has to be. */
export type RfbLength =
  | { readonly need: number }
  /** `body` bytes follow the `head`, and need not be there at once. */
  | { readonly kind: RfbClientKind; readonly head: number; readonly body: number };

/** More than any client knows; QEMU takes 65,535, and remembers none of those it does not know. */
export const MAX_ENCODINGS = 1_024;
/** QEMU takes no more. */
export const MAX_CUT_TEXT_BYTES = 1_024 ** 2;

/** The longest head: a list of encodings. */
export const MAX_HEAD_BYTES = 4 + 4 * MAX_ENCODINGS;

/**
 * @param message Its first bytes, at least one.
 * @throws {RfbProtocolError} It is none that is known, or longer than it may be.
 */
export function lengthOf(message: Buffer): RfbLength {
  const type = message[0];
  switch (type) {
    case 0:
      return whole("pixel-format", 20);
    case 2:
      return message.length < 4 ? { need: 4 } : encodings(message.readUInt16BE(2));
    case 3:
      return whole("update-request", 10);
    case 4:
      return whole("key", 8);
    case 5:
      return whole("pointer", 6);
    case 6:
      return message.length < 8 ? { need: 8 } : cutText(message.readInt32BE(4));
    case 150:
      return whole("continuous-updates", 10);
    case 248:
      return message.length < 9 ? { need: 9 } : whole("fence", 9 + message.readUInt8(8));
    case 251:
      return message.length < 8 ? { need: 8 } : whole("desktop-size", 8 + 16 * message.readUInt8(6));
    case 255:
      return message.length < 2 ? { need: 2 } : qemu(message);
    default:
      throw new RfbProtocolError(`a client of the display sent a message of the unknown type ${type}`);
  }
}

function whole(kind: RfbClientKind, head: number): RfbLength {
  return { kind, head, body: 0 };
}

function encodings(count: number): RfbLength {
  if (count <= MAX_ENCODINGS) return whole("encodings", 4 + 4 * count);
  throw new RfbProtocolError(`a client of the display named ${count} encodings; ${MAX_ENCODINGS} are allowed`);
}

/** A negative length says that the text is in the extended form. */
function cutText(length: number): RfbLength {
  const body = Math.abs(length);
  if (body <= MAX_CUT_TEXT_BYTES) return { kind: "cut-text", head: 8, body };
  throw new RfbProtocolError(
    `a client of the display sent ${body} bytes of clipboard; ${MAX_CUT_TEXT_BYTES} are allowed`,
  );
}

const AUDIO_FORMAT = 2;

function qemu(message: Buffer): RfbLength {
  const type = message[1];
  if (type === 0) return whole("extended-key", 12);
  if (type !== 1) throw new RfbProtocolError(`a client of the display sent a message of the unknown type 255, ${type}`);
  if (message.length < 4) return { need: 4 };
  const operation = message.readUInt16BE(2);
  if (operation <= AUDIO_FORMAT) return whole("audio", operation === AUDIO_FORMAT ? 10 : 4);
  throw new RfbProtocolError(`a client of the display asked something unknown of sound: ${operation}`);
}
