/* `boxcar-agent checkpoint NAME`: a process of the task asks the host to keep this machine as it is now. */
#ifndef CHECKPOINT_H
#define CHECKPOINT_H

/* Waits for the answer, and prints it. Returns the exit code: 0 if it is stored, or this machine goes on from it. */
int checkpoint(const char *url, const char *name);

#endif
