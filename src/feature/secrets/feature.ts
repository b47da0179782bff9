/** The feature `secrets`: values of the worker's configuration, as variables of the command. */
import type { Feature } from "../feature.ts";
import { secretsOf } from "./request.ts";

export const secrets: Feature = {
  name: "secrets",
  begin({ payload, config }) {
    if (payload.secrets.length === 0) return undefined;
    return {
      async prepare() {
        secretsOf(payload, config);
      },
      get env() {
        return Object.fromEntries(secretsOf(payload, config));
      },
    };
  },
};
