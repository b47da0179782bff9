/** Who may do what. A pure table. */

export const PERMISSIONS = ["read", "submit", "control", "operate", "administer"] as const;

/**
 * - `read`: tasks, logs, artifacts, screens, metrics; displays without input
 * - `submit`: submit and copy tasks; cancel and rerun one's own
 * - `control`: cancel and rerun any task; displays with input, shells, links, keep and release machines
 * - `operate`: pause, resume and drain workers; pull, push, tag and warm images
 * - `administer`: stop a worker, remove images, read the audit log
 */
export type Permission = (typeof PERMISSIONS)[number];

/** From the one that may least to the one that may most. */
export const ROLES = ["viewer", "submitter", "operator", "admin"] as const;

export type Role = (typeof ROLES)[number];

const TABLE: Readonly<Record<Role, readonly Permission[]>> = {
  viewer: ["read"],
  submitter: ["read", "submit"],
  operator: ["read", "submit", "control", "operate"],
  admin: PERMISSIONS,
};

export function permissionsOf(role: Role): readonly Permission[] {
  return TABLE[role];
}

export function mayDo(role: Role, permission: Permission): boolean {
  return TABLE[role].includes(permission);
}

/** Undefined where it is the name of none. */
export function tryParseRole(text: string): Role | undefined {
  return ROLES.find((role) => role === text);
}
