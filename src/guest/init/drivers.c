/*
 * Loads a driver for each device that is there, as udev would.
 *
 * /modules.map, made with the initramfs, has a line per module and per alias:
 *
 *   m <name> <path> <name of what it needs> ...    needed ones in loading order
 *   a <pattern> <name>
 *   l <name>                                       loaded whatever the hardware
 *   r <name>                                       not loaded before init asks for the rest
 *
 * A driver may bring new devices (virtio_pci the virtio bus), so the search goes
 * on until nothing new is found.
 */
#include "init.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAX_MODULES = 256, MAX_ALIASES = 4096, MAX_ALWAYS = 16 };

struct module {
	char *name, *path, *needs;
	int loaded, last_resort;
};

struct alias {
	char *pattern, *name;
};

static struct module modules[MAX_MODULES];
static struct alias aliases[MAX_ALIASES];
static char *always[MAX_ALWAYS];
static size_t module_count, alias_count, always_count;

static struct module *find(const char *name)
{
	for (size_t i = 0; i < module_count; i++)
		if (strcmp(modules[i].name, name) == 0)
			return &modules[i];
	return NULL;
}

static void hold_back(const char *name)
{
	struct module *module = find(name);
	if (module != NULL)
		module->last_resort = 1;
}

static void read_map(void)
{
	char *line = NULL;
	size_t size = 0;
	FILE *map = fopen("/modules.map", "re");
	if (map == NULL)
		return;
	while (getline(&line, &size, map) > 0) {
		char *rest = NULL;
		char *kind = strtok_r(line, " \n", &rest);
		char *first = strtok_r(NULL, " \n", &rest);
		char *second = strtok_r(NULL, " \n", &rest);
		char *needs = strtok_r(NULL, "\n", &rest);
		if (kind == NULL || first == NULL)
			continue;
		if (*kind == 'l' && always_count < MAX_ALWAYS)
			always[always_count++] = strdup(first);
		if (*kind == 'r')
			hold_back(first);
		if (second == NULL)
			continue;
		if (*kind == 'm' && module_count < MAX_MODULES)
			modules[module_count++] =
			    (struct module){strdup(first), strdup(second), strdup(needs == NULL ? "" : needs), 0, 0};
		if (*kind == 'a' && alias_count < MAX_ALIASES)
			aliases[alias_count++] = (struct alias){strdup(first), strdup(second)};
	}
	free(line);
	fclose(map);
}

static int insert(struct module *module)
{
	int fd = open(module->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		say("boxcar-init: %s: %s", module->path, strerror(errno));
		return 0;
	}
	long result = syscall(SYS_finit_module, fd, "", 0);
	if (result != 0 && errno != EEXIST)
		say("boxcar-init: %s: %s", module->name, strerror(errno));
	close(fd);
	return result == 0;
}

/* Returns how many modules it took. */
static int load(const char *name)
{
	struct module *module = find(name);
	if (module == NULL || module->loaded || module->last_resort)
		return 0;
	/* Set first, so that a circle in the map ends. */
	module->loaded = 1;
	int count = 0;
	char *needs = strdup(module->needs), *rest = NULL;
	for (char *need = strtok_r(needs, " ", &rest); need != NULL; need = strtok_r(NULL, " ", &rest))
		count += load(need);
	free(needs);
	return count + insert(module);
}

static int load_for(const char *modalias)
{
	int count = 0;
	for (size_t i = 0; i < alias_count; i++)
		if (fnmatch(aliases[i].pattern, modalias, 0) == 0)
			count += load(aliases[i].name);
	return count;
}

static int load_for_device(const char *directory)
{
	char path[PATH_MAX], modalias[512];
	snprintf(path, sizeof path, "%s/modalias", directory);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	ssize_t length = read(fd, modalias, sizeof modalias - 1);
	close(fd);
	if (length <= 0)
		return 0;
	modalias[length] = '\0';
	modalias[strcspn(modalias, "\n")] = '\0';
	return load_for(modalias);
}

static int for_each_entry(const char *directory, int (*visit)(const char *path))
{
	int count = 0;
	DIR *entries = opendir(directory);
	if (entries == NULL)
		return 0;
	for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
		char path[PATH_MAX];
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
		count += visit(path);
	}
	closedir(entries);
	return count;
}

static int load_for_bus(const char *bus)
{
	char devices[PATH_MAX];
	snprintf(devices, sizeof devices, "%s/devices", bus);
	return for_each_entry(devices, load_for_device);
}

int load_drivers(void)
{
	int total = 0, count;
	if (module_count == 0) {
		read_map();
		for (size_t i = 0; i < always_count; i++)
			total += load(always[i]);
	}
	do {
		count = for_each_entry("/sys/bus", load_for_bus);
		total += count;
	} while (count > 0);
	return total;
}

void allow_last_resorts(void)
{
	for (size_t i = 0; i < module_count; i++)
		modules[i].last_resort = 0;
}
