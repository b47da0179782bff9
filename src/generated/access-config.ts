// Generated from schemas/access-config.schema.json by scripts/generate-types.ts; never edited.

import type { ConfigValuesDuration, ConfigValuesSecret } from "./config-values.ts";

/**
 * Who may use the HTTP API, and for what. On the worker's own socket everybody who can open it may do everything.
 */
export interface AccessConfig {
  /**
   * Whether clients have to log in. Only then may the worker listen where others than this host reach it; otherwise everybody on this host may do everything.
   */
  enabled?: boolean;
  /**
   * Sessions of browsers.
   */
  sessions?: {
    /**
     * A session ends after that, whatever is done with it: seconds, or a text.
     */
    duration?: ConfigValuesDuration;
  };
  /**
   * Logging in with an OpenID Connect provider, beside tokens. It needs worker.http.url; the provider must know URL/api/v1/session/oidc/callback as a redirect URI.
   */
  oidc?: {
    /**
     * Address of the provider, as it calls itself; with https, but for one on this host.
     */
    issuer: string;
    /**
     * What the provider calls this service.
     */
    clientId: string;
    /**
     * What the provider knows this service by, or where it is.
     */
    clientSecret: ConfigValuesSecret;
    /**
     * What the button to log in says.
     */
    label?: string;
    /**
     * What the provider is asked to tell; `openid` among it.
     *
     * @maxItems 50
     */
    scopes?: string[];
    /**
     * The claim that is the name of a person here, which tasks belong to; nobody must be able to choose that of somebody else. The verified address of mail, or `sub`, if it is left out.
     */
    nameClaim?: string;
    /**
     * The claim that says what a person is: a text or a list of them. Dots lead into objects.
     */
    rolesClaim?: string;
    /**
     * What has to be in that claim for each role. Who has several gets the one that may most.
     */
    roles?: {
      /**
       * Values that make one an admin.
       *
       * @maxItems 1000
       */
      admin?: string[];
      /**
       * Values that make one an operator.
       *
       * @maxItems 1000
       */
      operator?: string[];
      /**
       * Values that make one a submitter.
       *
       * @maxItems 1000
       */
      submitter?: string[];
      /**
       * Values that make one a viewer.
       *
       * @maxItems 1000
       */
      viewer?: string[];
    };
    /**
     * The role of everybody else whom the provider lets in. They are refused, if it is left out.
     */
    defaultRole?: "viewer" | "submitter" | "operator" | "admin";
  };
  /**
   * What is too much; clients are told when they may try again.
   */
  rateLimits?: {
    /**
     * Wrong tokens from one address (of IPv6: one /64), as many at once. Nobody gets in from there then.
     */
    failedLoginsPerMinute?: number;
    /**
     * Wrong tokens from everywhere together, as many at once. Only who is logged in already gets in then.
     */
    allFailedLoginsPerMinute?: number;
    /**
     * Requests of one who has logged in, or else from one address; five times as many at once.
     */
    requestsPerSecond?: number;
  };
}
