/** Who knows the names of the world, as a port of the resolver. */
import type { DnsRecord } from "./dns-reply.ts";
import type { RecordType } from "./dns-type.ts";

export interface Upstream extends Disposable {
  /** @param name In lower case, `isAskable`. Never rejects. */
  resolve(name: string, type: RecordType): Promise<UpstreamAnswer>;
}

export type UpstreamAnswer =
  /** Not empty; all of the type asked for, wherever aliases led. */
  | { readonly kind: "records"; readonly records: readonly DnsRecord[] }
  /** The name exists and has no such record. */
  | { readonly kind: "no-data" }
  | { readonly kind: "no-such-name" }
  | { readonly kind: "failed"; readonly reason: string };
