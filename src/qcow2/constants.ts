/** @see QEMU docs/interop/qcow2.txt */

export const QCOW2_MAGIC = 0x514649fb;
/** Header extension with the format of the backing file. */
export const BACKING_FORMAT_EXTENSION = 0xe2792aca;
