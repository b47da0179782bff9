/** Answers of the metadata service that are not 2xx. */

export type ServiceErrorCode =
  | "MethodNotAllowed"
  | "NoSuchEndPoint"
  | "InternalError"
  | "ResourceConflict"
  | "UnknownActionId"
  | "InvalidPayload"
  | "TooManyRequests"
  | "AnotherLife";

const STATUS: Readonly<Record<ServiceErrorCode, number>> = {
  MethodNotAllowed: 405,
  NoSuchEndPoint: 404,
  InternalError: 500,
  ResourceConflict: 409,
  UnknownActionId: 400,
  InvalidPayload: 400,
  TooManyRequests: 429,
  AnotherLife: 503,
};

/** The guest gets `{code, message}`; nothing in it may say anything of the host. */
export class ServiceError extends Error {
  readonly code: ServiceErrorCode;

  constructor(code: ServiceErrorCode, message: string) {
    super(message);
    this.name = "ServiceError";
    this.code = code;
  }

  get status(): number {
    return STATUS[this.code];
  }
}

/** Whatever was thrown, as the guest may hear of it. */
export function toServiceError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  // Express refuses addresses that cannot be decoded with an error of status 400.
  const isBadRequest = typeof error === "object" && error !== null && "status" in error && error.status === 400;
  if (isBadRequest) return new ServiceError("InvalidPayload", "the address cannot be decoded");
  return new ServiceError("InternalError", "the host could not answer");
}
