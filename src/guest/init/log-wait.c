/* Waits for the agent, before the machine is ended, until the log of the task is on its way to the host. */
#include "init.h"

#include "../agent/logstream.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { STEP_MS = 10, QUIET_STEPS = 5, MAX_STEPS = 300 };

void wait_for_log(void)
{
	int fd = open(LOG_PROGRESS_FILE, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	struct log_progress *progress = mmap(NULL, sizeof *progress, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (progress == MAP_FAILED)
		return;
	/* What was just printed may not have been read by the agent yet. */
	int quiet = 0;
	for (int step = 0; step < MAX_STEPS && quiet < QUIET_STEPS; step++) {
		struct timespec pause = {.tv_nsec = STEP_MS * 1000000L};
		nanosleep(&pause, NULL);
		quiet = atomic_load(&progress->written) == atomic_load(&progress->sent) ? quiet + 1 : 0;
	}
}
