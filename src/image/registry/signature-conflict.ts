import { ImageError } from "../errors.ts";

export function signatureConflict(digest: string, where: string): ImageError {
  const message =
    `${where} has a signature of ${digest} that says something else about it, or as many as there can be; ` +
    "remove that one there, or sign what boxcar image sign makes of both";
  return new ImageError("signature-conflict", message, { blame: "task" });
}
