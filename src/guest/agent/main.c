/*
 * boxcar-agent: runs one task in this machine, for the host it finds at http://169.254.169.254.
 *
 * A static program without dependencies, started once by the image's init. Its processes, and who watches whom: see
 * shared.h; the actions the host can ask for: actions.h; how the log travels: logstream.h. It stays until the machine
 * is switched off. On SIGTERM it ends everything it has started, and itself.
 */
#include "http.h"
#include "network.h"
#include "poller.h"
#include "runner.h"
#include "tree.h"
#include "wake.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEFAULT_URL "http://169.254.169.254"
#define DEFAULT_CONFIG "/etc/boxcar/agent.conf"
#define RESTART_DELAY_MS 100

static const char usage[] =
    "usage: boxcar-agent [--url http://ADDRESS[:PORT]] [--config FILE] [--version]\n"
    "  --url     where the host answers (default " DEFAULT_URL ");\n"
    "            with it the network of this machine is left as it is\n"
    "  --config  what the image lays down for every task (default " DEFAULT_CONFIG ")\n";

static void parse_arguments(int argc, char **argv, struct agent *agent, const char **config)
{
    static const struct option options[] = {
        {"url", required_argument, NULL, 'u'}, {"config", required_argument, NULL, 'c'},
        {"version", no_argument, NULL, 'v'},   {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    for (int c = getopt_long(argc, argv, "", options, NULL); c != -1; c = getopt_long(argc, argv, "", options, NULL)) {
        switch (c) {
        case 'u':
            agent->url = optarg;
            agent->configure_network = false;
            break;
        case 'c':
            *config = optarg;
            break;
        case 'v':
            puts("boxcar-agent " AGENT_VERSION);
            exit(0);
        case 'h':
            fputs(usage, stdout);
            exit(0);
        default:
            fputs(usage, stderr);
            exit(2);
        }
    }
    struct http h;
    if (optind < argc || !http_init(&h, agent->url)) {
        fputs(usage, stderr);
        exit(2);
    }
}

static void protect_from_oom_killer(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)!write(fd, "-1000", 5);
    close(fd);
}

/* A machine full of processes, which a command may have left, is not the end of the task. */
static pid_t fork_at_last(void)
{
    for (bool failed = false;; failed = true) {
        pid_t pid = fork();
        if (pid >= 0)
            return pid;
        if (!failed)
            note("cannot start a process: %s", strerror(errno));
        sleep_ms(RESTART_DELAY_MS);
    }
}

static pid_t start(const struct agent *agent, void (*run)(const struct agent *agent))
{
    pid_t pid = fork_at_last();
    if (pid > 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (getppid() != atomic_load(&agent->shared->main))
        _exit(1);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    run(agent);
    _exit(1);
}

static void start_runner(const struct agent *agent)
{
    struct shared *shared = agent->shared;
    atomic_store(&shared->fetched, false);
    atomic_store(&shared->reported, false);
    atomic_store(&shared->more, false);
    atomic_store(&shared->step, 0);
    atomic_store(&shared->runner, start(agent, runner_main));
}

static void start_poller(const struct agent *agent)
{
    atomic_store(&agent->shared->poller, start(agent, poller_main));
}

/* Which of ours have ended; orphans are buried by the way. */
static void bury(bool *runner_died, bool *poller_died, const struct shared *shared)
{
    for (pid_t pid = waitpid(-1, NULL, WNOHANG); pid > 0; pid = waitpid(-1, NULL, WNOHANG)) {
        *runner_died = *runner_died || pid == atomic_load(&shared->runner);
        *poller_died = *poller_died || pid == atomic_load(&shared->poller);
    }
}

static void see_to_runner(const struct agent *agent, bool died)
{
    struct shared *shared = agent->shared;
    if (died && !atomic_load(&shared->fetched)) {
        /* Nothing was begun yet: the host gives the same again. */
        sleep_ms(RESTART_DELAY_MS);
        start_runner(agent);
        return;
    }
    if (died && !atomic_load(&shared->reported))
        report_result(agent, 1, NULL, "the part of the guest agent that ran the task was killed");
    if (atomic_load(&shared->reported) && atomic_load(&shared->more))
        start_runner(agent);
}

static void watch(const struct agent *agent, const sigset_t *signals) __attribute__((noreturn));
static void watch(const struct agent *agent, const sigset_t *signals)
{
    struct shared *shared = agent->shared;
    for (;;) {
        int number = sigwaitinfo(signals, NULL);
        if (number == SIGTERM || number == SIGINT) {
            struct tree_kill all = {.root = getpid()};
            size_t found;
            tree_kill(&all, &found);
            while (waitpid(-1, NULL, WNOHANG) > 0)
                ;
            exit(0);
        }
        bool runner_died = false;
        bool poller_died = false;
        bury(&runner_died, &poller_died, shared);
        if (poller_died) {
            sleep_ms(RESTART_DELAY_MS);
            start_poller(agent);
        }
        see_to_runner(agent, runner_died);
    }
}

int main(int argc, char **argv)
{
    struct agent agent = {.url = DEFAULT_URL, .configure_network = true};
    const char *config = DEFAULT_CONFIG;
    parse_arguments(argc, argv, &agent, &config);
    config_load(&agent.config, config);
    agent.shared = mmap(NULL, sizeof *agent.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (agent.shared == MAP_FAILED) {
        note("cannot get memory: %s", strerror(errno));
        return 70;
    }
    atomic_store(&agent.shared->main, getpid());
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    protect_from_oom_killer();
    if (agent.configure_network) {
        network_bring_up();
        wake_wait(agent.url, &agent.config);
    }

    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGNAL_REPORTED);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    start_runner(&agent);
    start_poller(&agent);
    watch(&agent, &signals);
}
