/** What scripts/build-dashboard.ts makes of a style sheet: the path of a file with a hash in its name. */
declare module "*.css" {
  export const href: string;
}
