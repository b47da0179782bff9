/* From the description of a command to argv, environment, user and folder. */
#include "process.h"

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

static bool build_argv(struct command *command, const struct json *description, const struct config *config,
                       bool with_entrypoint, struct failure *failure)
{
    const struct json *words = json_get(description, "command");
    if (with_entrypoint)
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
    if (command->tty && strings_get_env(&command->env, "TERM") == NULL)
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

bool command_build(struct command *command, const struct json *description, const struct config *config,
                   bool with_entrypoint, struct failure *failure)
{
    *command = (struct command){.tty = json_get_bool(description, "tty")};
    if (!choose_user(command, description, config, failure))
        return false;
    build_env(command, description, config);
    command->cwd = choose_cwd(command, description, config);
    return build_argv(command, description, config, with_entrypoint, failure);
}

void command_free(struct command *command)
{
    strings_free(&command->argv);
    strings_free(&command->env);
    free(command->cwd);
    *command = (struct command){0};
}
