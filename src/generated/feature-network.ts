// Generated from schemas/feature-network.schema.json by scripts/generate-types.ts; never edited.

/**
 * What the machine can reach, beside its own service at 169.254.169.254. `isolated`: nothing. `internet`: every public address. `allow`: what it lists. Addresses that are not public are never reached.
 */
export type FeatureNetwork =
  | ("isolated" | "internet")
  | {
      /**
       * What may be reached.
       *
       * @minItems 1
       * @maxItems 1000
       *
       * Items: A name, one with `*.` in front for all names below it, an IPv4 address or subnet; then, after a colon, ports with commas between. Without ports: 80 and 443.
       */
      allow: string[];
    };
