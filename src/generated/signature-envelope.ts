// Generated from schemas/signature-envelope.schema.json by scripts/generate-types.ts; never edited.

/**
 * A DSSE envelope: what is signed, and Ed25519 signatures over it.
 */
export interface SignatureEnvelope {
  /**
   * Type of the payload; it is signed too.
   */
  payloadType: string;
  /**
   * What is signed, in base64.
   */
  payload: string;
  /**
   * Any of them may be of a key that nobody knows.
   *
   * @minItems 1
   * @maxItems 64
   *
   * Items: One signature.
   */
  signatures: {
    /**
     * A hint at the key; with Boxcar the SHA-256 digest of the public key, in hexadecimal.
     */
    keyid?: string;
    /**
     * The signature, in base64.
     */
    sig: string;
  }[];
}
