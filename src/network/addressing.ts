/**
 * The one addressing every guest sees, whatever its network: a machine's
 * address identifies nobody, and a snapshot resumes anywhere.
 */
export const ADDRESSING = Object.freeze({
  guestAddress: "10.0.2.15",
  prefixLength: 24,
  gatewayAddress: "10.0.2.2",
  /** Of the gateway, which answers for the metadata address too. */
  gatewayMac: "02:00:a9:fe:a9:fe",
  dnsAddress: "10.0.2.2",
  metadataAddress: "169.254.169.254",
  metadataPort: 80,
  /** Resolves to the metadata address under every policy. */
  metadataName: "metadata.boxcar.internal",
  gatewayName: "gateway.boxcar.internal",
});
