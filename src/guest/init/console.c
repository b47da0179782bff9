/* What a person at the screen, or a reader of the serial log, is told. */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>

static void write_line(const char *format, va_list arguments)
{
	/* /dev/console is only the last of the consoles; a person may look at any. */
	static const char *const consoles[] = {"/dev/tty0", "/dev/ttyS0"};
	char line[1024];
	int length = vsnprintf(line, sizeof line - 2, format, arguments);
	if (length < 0)
		return;
	if (length > (int)sizeof line - 3)
		length = (int)sizeof line - 3;
	line[length++] = '\r';
	line[length++] = '\n';
	for (size_t i = 0; i < sizeof consoles / sizeof *consoles; i++) {
		int fd = open(consoles[i], O_WRONLY | O_NOCTTY | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (write(fd, line, (size_t)length) < 0) {
			/* One console less; nobody can be told. */
		}
		close(fd);
	}
}

void say(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	write_line(format, arguments);
	va_end(arguments);
}

void give_up(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	write_line(format, arguments);
	va_end(arguments);
	say("boxcar-init: powering off");
	end_machine(RB_POWER_OFF);
}

void end_machine(int how)
{
	if (getpid() != 1)
		wait_for_log();
	sync();
	if (reboot(how) != 0 && getpid() != 1) {
		fprintf(stderr, "the machine cannot be ended: %s\n", strerror(errno));
		_exit(1);
	}
	/* It is on its way. */
	for (;;)
		pause();
}
