/* Starting a program, and relaying what it prints until it ends. */
#ifndef PROCESS_H
#define PROCESS_H

#include "config.h"
#include "json.h"
#include "users.h"
#include "util.h"

#include <stdatomic.h>
#include <sys/types.h>

/* What to run, with the configuration of the image applied. Start from {0}; command_free() when done. */
struct command {
    struct strings argv;
    char *program;         /* the file to run, if it is not argv[0] */
    struct strings env;
    struct user user;
    bool switch_user;
    char *cwd;
    bool tty;
    bool interactive;      /* somebody types: it gets an input, and without a tty stderr apart from stdout */
    unsigned short columns; /* of its tty */
    unsigned short rows;
    _Atomic pid_t *pid;    /* where the child writes its own before it leaves the session of the agent, or NULL */
    const _Atomic bool *hold; /* it is held when it fails (hold.h), unless this is true by then; NULL: it is not */
};

/* Why nothing was started: a sentence for the task log and the exit code a shell would give. */
struct failure {
    int exit_code;
    char text[1024];
};

struct process {
    pid_t pid;           /* leader of a session and of a process group of its own */
    int input;           /* -1: it has none */
    int output;          /* stdout and stderr, in the order they were written */
    int errors;          /* stderr, where it is apart; else -1 */
    bool tty;            /* then input and output are the same */
    const _Atomic bool *hold; /* as the command has it, while it is traced */
    bool unheld;         /* it is not to be traced any more, as soon as it stands still */
    bool held;           /* it has failed and stands at its end: hold_let_go() */
};

enum command_kind {
    COMMAND_OF_TASK,     /* with the entrypoint before it */
    COMMAND_BESIDE,
    COMMAND_SHELL,       /* interactive; without a command the login shell of the user */
};

/*
 * Reads `{command, env, cwd, user, tty, cols, rows}`. Environment: the agent's own < what belongs to the user < image <
 * task.
 */
bool command_build(struct command *command, const struct json *description, const struct config *config,
                   enum command_kind kind, struct failure *failure);
void command_free(struct command *command);

/* False: nothing runs, and `failure` says why. Call it before any thread is started. */
bool process_start(const struct command *command, struct process *process, struct failure *failure);

/* Gets what was printed; may block; false ends the relay. */
typedef bool (*output_sink)(void *context, const void *data, size_t len);

enum relay_end { RELAY_EXITED, RELAY_SINK_FAILED, RELAY_HANGUP, RELAY_FAILED };

/*
 * Blocks until the process has ended, or is held, and everything it printed has gone to `sink`. A background process that keeps the
 * output open delays that by a short grace only. Reaps every child of the caller meanwhile.
 *
 * SIGCHLD must be blocked in every thread since before process_start(). `status` is the wait status after RELAY_EXITED.
 * `event_fd`: whenever it is readable it is read, and `sink` called without data; -1 for none. From then on the process
 * is not traced any more, and so is not held.
 * `watch_fd`: also ends when the other side of that socket goes away; -1 for none. RELAY_FAILED: the process may still
 * run, and nobody will hear of its end.
 */
enum relay_end process_relay(struct process *process, output_sink sink, void *context, int event_fd, int watch_fd,
                             int *status);

/* 0 … 255 as a shell has it: 128 + N after signal N; `signal` is its name, or NULL. */
int exit_code_of(int status, const char **signal);

#endif
