/**
 * What is to be remembered between the two halves of a login with an identity provider. The browser keeps it, sealed:
 * whichever worker it comes back to, nobody has to have kept anything, and nobody can make the workers keep much.
 */
import { hkdfSync } from "node:crypto";
import { EncryptJWT, jwtDecrypt } from "jose";

export interface LoginAttempt {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  readonly returnTo: string;
}

export const ATTEMPT_MS = 10 * 60_000;

const ALGORITHM = { alg: "dir", enc: "A256GCM" } as const;

/** The same on all workers that know the same secret. */
export function sealingKey(clientSecret: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", clientSecret, "", "boxcar oidc login attempt", 32));
}

export async function seal(attempt: LoginAttempt, key: Uint8Array, now: Date): Promise<string> {
  return await new EncryptJWT({ ...attempt })
    .setProtectedHeader(ALGORITHM)
    .setExpirationTime(new Date(now.getTime() + ATTEMPT_MS))
    .encrypt(key);
}

/** Undefined: it is not ours, or too old. */
export async function tryUnseal(sealed: string, key: Uint8Array, now: Date): Promise<LoginAttempt | undefined> {
  try {
    const { payload } = await jwtDecrypt(sealed, key, {
      currentDate: now,
      requiredClaims: ["exp"],
      keyManagementAlgorithms: [ALGORITHM.alg],
      contentEncryptionAlgorithms: [ALGORITHM.enc],
    });
    const [state, nonce, codeVerifier, returnTo] = ["state", "nonce", "codeVerifier", "returnTo"].map((key) =>
      String(payload[key]),
    );
    if (state === undefined || nonce === undefined || codeVerifier === undefined || returnTo === undefined)
      return undefined;
    return { state, nonce, codeVerifier, returnTo };
  } catch {
    return undefined;
  }
}
