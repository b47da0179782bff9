// Generated from schemas/feature-video.schema.json by scripts/generate-types.ts; never edited.

/**
 * Whether to keep what the screen showed while the command ran as an animated picture, `public/screens/video.apng`.
 */
export type FeatureVideo =
  | boolean
  | {
      /**
       * How often the screen is looked at: seconds, or a text such as "2 seconds"; one second or more. As often as `screenshots.every`, or every second, if it is left out.
       */
      every?: number | string;
    };

