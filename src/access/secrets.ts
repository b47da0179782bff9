/**
 * Random secrets, and how they are kept.
 *
 * SHA-256 is enough for them, and a slow hash for passwords would be no better: nobody can guess 256 random bits,
 * however quick the hash; and it is computed for every request.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";

const SECRET_BYTES = 32;

/** 256 bits, base64url: 43 characters. */
export function randomSecret(): string {
  return randomBytes(SECRET_BYTES).toString("base64url");
}

/** Lower-case hex. */
export function hashOf(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** A value that only who has the secret can make, and that does not tell the secret. */
export function derive(secret: string, purpose: string): string {
  return createHmac("sha256", secret).update(purpose).digest("base64url");
}

/** In a time that does not tell where they differ. */
export function isSame(one: string, other: string): boolean {
  // Of equal length, whatever was sent.
  const [a, b] = [one, other].map((text) => createHash("sha256").update(text).digest());
  return a !== undefined && b !== undefined && timingSafeEqual(a, b);
}
