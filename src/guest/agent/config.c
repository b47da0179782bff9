#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define MAX_CONFIG_BYTES (1024 * 1024)

static char *trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t len = strlen(text);
    while (len > 0 && isspace((unsigned char)text[len - 1]))
        text[--len] = '\0';
    return text;
}

static void apply(struct config *config, const char *key, char *value)
{
    char *rest = NULL;
    if (strcmp(key, "entrypoint") == 0) {
        for (char *word = strtok_r(value, " \t", &rest); word != NULL; word = strtok_r(NULL, " \t", &rest))
            strings_add(&config->entrypoint, word);
    } else if (strncmp(key, "env.", 4) == 0 && key[4] != '\0') {
        strings_set_env(&config->env, key + 4, value);
    } else if (strcmp(key, "shell") == 0) {
        config->shell = xstrdup(value);
    } else if (strcmp(key, "user") == 0) {
        config->user = xstrdup(value);
    } else if (strcmp(key, "workdir") == 0) {
        config->workdir = xstrdup(value);
    } else {
        note("the configuration has an unknown key \"%s\"", key);
    }
}

void config_load(struct config *config, const char *path)
{
    *config = (struct config){0};
    struct buf text = {0};
    if (!read_file(path, &text, MAX_CONFIG_BYTES)) {
        if (errno != ENOENT)
            note("cannot read %s: %s", path, strerror(errno));
        buf_free(&text);
        return;
    }
    char *rest = NULL;
    for (char *line = strtok_r(text.data, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        line = trim(line);
        if (*line == '\0' || *line == '#')
            continue;
        char *equals = strchr(line, '=');
        if (equals == NULL) {
            note("the configuration has a line without \"=\": %s", line);
            continue;
        }
        *equals = '\0';
        apply(config, trim(line), trim(equals + 1));
    }
    buf_free(&text);
}
