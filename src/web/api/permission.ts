/** Whether somebody may do something, or what he is told. */
import type { Principal } from "../../access/principal.ts";
import { mayDo, type Permission } from "../../access/role.ts";
import { ApiError } from "./api-error.ts";

/** @throws {ApiError} `unauthenticated`, `forbidden` */
export function requirePermission(principal: Principal | undefined, permission: Permission): void {
  if (principal === undefined) {
    throw new ApiError(401, "unauthenticated", "log in, or send a token: Authorization: Bearer TOKEN");
  }
  if (mayDo(principal.role, permission)) return;
  const { name, role } = principal;
  throw new ApiError(403, "forbidden", `${name} is ${role}, which does not include the permission "${permission}"`);
}
