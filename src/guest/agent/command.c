/* From the description of a command to argv, environment, user and folder. */
#include "process.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static bool refuse(struct failure *failure, int exit_code, const char *text)
{
    failure->exit_code = exit_code;
    snprintf(failure->text, sizeof failure->text, "%s", text);
    return false;
}

/* Accounts that nobody is to log in to have such a shell; who comes from the host may. */
static bool is_usable_shell(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    return strcmp(name, "nologin") != 0 && strcmp(name, "false") != 0 && access(path, X_OK) == 0;
}

/* A shell whose name begins with "-" reads what is to be done at a login. */
static void use_login_shell(struct command *command, const struct config *config)
{
    const char *path = config->shell == NULL ? command->user.shell : config->shell;
    if (!is_usable_shell(path))
        path = "/bin/sh";
    const char *slash = strrchr(path, '/');
    char *name = xprintf("-%s", slash == NULL ? path : slash + 1);
    strings_add(&command->argv, name);
    free(name);
    command->program = xstrdup(path);
}

static bool build_argv(struct command *command, const struct json *description, const struct config *config,
                       enum command_kind kind, struct failure *failure)
{
    const struct json *words = json_get(description, "command");
    if (kind == COMMAND_SHELL && (words == NULL || words->child == NULL)) {
        use_login_shell(command, config);
        return true;
    }
    if (kind == COMMAND_OF_TASK)
        for (size_t i = 0; i < config->entrypoint.count; i++)
            strings_add(&command->argv, config->entrypoint.items[i]);
    for (const struct json *w = words == NULL ? NULL : words->child; w != NULL; w = w->next) {
        if (w->type != JSON_STRING)
            return refuse(failure, 126, "the command is not a list of strings");
        strings_add(&command->argv, w->string);
    }
    if (command->argv.count == 0 || command->argv.items[0][0] == '\0')
        return refuse(failure, 127, "there is no command to run");
    return true;
}

static bool choose_user(struct command *command, const struct json *description, const struct config *config,
                        struct failure *failure)
{
    const char *name = json_get_string(description, "user");
    if (name == NULL)
        name = config->user;
    if (name == NULL) {
        users_self(&command->user);
        return true;
    }
    if (!users_find(name, &command->user)) {
        failure->exit_code = 126;
        snprintf(failure->text, sizeof failure->text, "the user \"%.200s\" does not exist in this image", name);
        return false;
    }
    command->switch_user = true;
    return true;
}

static void build_env(struct command *command, const struct json *description, const struct config *config)
{
    extern char **environ;
    for (char **e = environ; *e != NULL; e++)
        strings_add(&command->env, *e);
    if (strings_get_env(&command->env, "PATH") == NULL)
        strings_set_env(&command->env, "PATH", DEFAULT_PATH);
    if (command->interactive && command->tty)
        strings_set_env(&command->env, "TERM", "xterm-256color");
    else if (command->tty && strings_get_env(&command->env, "TERM") == NULL)
        strings_set_env(&command->env, "TERM", "xterm");
    const struct user *user = &command->user;
    strings_set_env(&command->env, "HOME", user->home);
    strings_set_env(&command->env, "SHELL", config->shell == NULL ? user->shell : config->shell);
    if (user->name[0] != '\0') {
        strings_set_env(&command->env, "USER", user->name);
        strings_set_env(&command->env, "LOGNAME", user->name);
    }
    for (size_t i = 0; i < config->env.count; i++) {
        char *name = xstrdup(config->env.items[i]);
        char *value = strchr(name, '=');
        *value = '\0';
        strings_set_env(&command->env, name, value + 1);
        free(name);
    }
    const struct json *env = json_get(description, "env");
    for (const struct json *e = env == NULL ? NULL : env->child; e != NULL; e = e->next)
        if (e->key != NULL && e->type == JSON_STRING)
            strings_set_env(&command->env, e->key, e->string);
}

static char *choose_cwd(const struct command *command, const struct json *description, const struct config *config)
{
    const char *cwd = json_get_string(description, "cwd");
    if (cwd == NULL)
        cwd = config->workdir;
    if (cwd == NULL)
        cwd = access(command->user.home, X_OK) == 0 ? command->user.home : "/";
    return xstrdup(cwd);
}

static unsigned short size_of(const struct json *description, const char *key, unsigned short fallback)
{
    double size = json_get_number(description, key, fallback);
    return size >= 1 && size <= USHRT_MAX ? (unsigned short)size : fallback;
}

bool command_build(struct command *command, const struct json *description, const struct config *config,
                   enum command_kind kind, struct failure *failure)
{
    *command = (struct command){
        .tty = json_get_bool(description, "tty"),
        .interactive = kind == COMMAND_SHELL,
        .columns = size_of(description, "cols", 80),
        .rows = size_of(description, "rows", 24),
    };
    if (!choose_user(command, description, config, failure))
        return false;
    build_env(command, description, config);
    command->cwd = choose_cwd(command, description, config);
    return build_argv(command, description, config, kind, failure);
}

void command_free(struct command *command)
{
    strings_free(&command->argv);
    strings_free(&command->env);
    free(command->program);
    free(command->cwd);
    *command = (struct command){0};
}
