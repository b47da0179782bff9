/** Whether a value has the shape of a duration; if not, the schema says so. */
export function isDuration(value: unknown): value is string | number {
  return typeof value === "string" || (typeof value === "number" && value > 0 && value < Infinity);
}
