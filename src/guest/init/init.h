/* The first program of a Boxcar guest: see main.c. */
#ifndef BOXCAR_INIT_H
#define BOXCAR_INIT_H

#include <stddef.h>
#include <stdnoreturn.h>
#include <sys/types.h>

/* The label of the file system that is the root. */
#define ROOT_LABEL "boxcar-root"

/* Writes a line on the screen and on the serial console, whichever are there. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Says why, and powers the machine off: the host is told, and nothing hangs. */
noreturn void give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Writes what is in memory to the disks, and powers off, restarts or halts (RB_…). */
noreturn void end_machine(int how);

/* Returns when what the task printed is on its way to the host, or after 3 s. */
void wait_for_log(void);

/* Mounts, making the mount point; what is mounted already is no error. */
void mount_at(const char *type, const char *target, unsigned long flags, const char *data);

/* The devices, processes and sysfs, where every stage needs them. */
void mount_kernel_file_systems(void);

/* Loads the drivers of all hardware that is there, last resorts excepted; returns how many modules were loaded. */
int load_drivers(void);

/* From now on load_drivers takes all of them. */
void allow_last_resorts(void);

/* Finds the disk or partition with the label; writes its path to `device`. Returns 0 if there is none. */
int find_root(const char *label, char *device, size_t size);

/* In the initramfs: brings up the root file system and starts /sbin/init there. */
noreturn void run_initramfs(void);

/* In a session of its own, on the console; -1: it cannot be started. */
pid_t start_program(char *const *arguments);

/* Runs what the image wants to be done once, if it has not been; powers off if it fails. */
void run_first_boot(void);

/* In the root file system: brings up the system, starts the agent and reaps orphans. */
noreturn void run_system(void);

#endif
