export interface DiskLimits {
  /** Of the disk a guest would see. */
  maxVirtualBytes: number;
}
