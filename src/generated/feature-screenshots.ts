// Generated from schemas/feature-screenshots.schema.json by scripts/generate-types.ts; never edited.

/**
 * Pictures of the machine's screen to keep as artifacts below `public/screens/`.
 */
export interface FeatureScreenshots {
  /**
   * How often one is taken while the command runs: seconds, or a text such as "10 seconds"; one second or more. None if it is left out.
   */
  every?: number | string;
  /**
   * Whether one is taken when the task did not complete.
   */
  onFailure?: boolean;
  /**
   * What they are kept as.
   */
  format?: "png" | "jpeg";
}
