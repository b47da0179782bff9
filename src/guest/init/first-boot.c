/* What the image runs once, before the first task: see src/builder/first-boot.ts. */
#include "init.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char *const SCRIPT[] = {"/usr/lib/boxcar/first-boot", NULL};

void run_first_boot(void)
{
	if (access(SCRIPT[0], X_OK) != 0)
		return;
	pid_t script = start_program(SCRIPT);
	if (script < 0)
		give_up("boxcar-init: %s: %s", SCRIPT[0], strerror(errno));
	int status = 0;
	for (pid_t ended = 0; ended != script;) {
		ended = waitpid(-1, &status, 0);
		if (ended < 0 && errno != EINTR)
			give_up("boxcar-init: %s: %s", SCRIPT[0], strerror(errno));
	}
	if (status != 0)
		give_up("boxcar-init: the first boot has failed (status 0x%x)", status);
	if (unlink(SCRIPT[0]) != 0)
		give_up("boxcar-init: %s: %s", SCRIPT[0], strerror(errno));
}
