/*
 * boxcar-agent: runs one task in this machine, for the host it finds at http://169.254.169.254.
 *
 * A static program without dependencies, started once by the image's init. Its processes, and who watches whom: see
 * shared.h; the actions the host can ask for: actions.h; how the log travels: logstream.h; what happens when the
 * machine goes on somewhere else: moves.h. It stays until the machine is switched off. On SIGTERM it ends everything it
 * has started, and itself.
 *
 * A command may call it, too: `boxcar-agent checkpoint NAME`.
 */
#include "checkpoint.h"
#include "http.h"
#include "identity.h"
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
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEFAULT_URL "http://169.254.169.254"
#define DEFAULT_CONFIG "/etc/boxcar/agent.conf"
#define RESTART_DELAY_MS 100
/* Exact as a double. */
#define MAX_LOG_POSITION 9007199254740992.0

static const char usage[] =
    "usage: boxcar-agent [--url http://ADDRESS[:PORT]] [--config FILE] [--wake-fd NUMBER] [--version]\n"
    "       boxcar-agent [--url http://ADDRESS[:PORT]] checkpoint NAME\n"
    "  --url     where the host answers (default " DEFAULT_URL ");\n"
    "            with it the network of this machine is left as it is\n"
    "  --config  what the image lays down for every task (default " DEFAULT_CONFIG ")\n"
    "  --wake-fd the line to the host, if it is no virtio-serial port\n"
    "  checkpoint: asks the host to keep this machine as it is now, and waits until it has\n";

struct arguments {
    const char *config;
    int wake_fd;
    const char *checkpoint;   /* the name of the one that is to be made */
};

static void parse_arguments(int argc, char **argv, struct agent *agent, struct arguments *arguments)
{
    static const struct option options[] = {
        {"url", required_argument, NULL, 'u'}, {"config", required_argument, NULL, 'c'},
        {"wake-fd", required_argument, NULL, 'w'},
        {"version", no_argument, NULL, 'v'},   {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    for (int c = getopt_long(argc, argv, "", options, NULL); c != -1; c = getopt_long(argc, argv, "", options, NULL)) {
        switch (c) {
        case 'u':
            agent->url = optarg;
            agent->owns_machine = false;
            break;
        case 'c':
            arguments->config = optarg;
            break;
        case 'w':
            arguments->wake_fd = atoi(optarg);
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
    if (optind + 2 == argc && strcmp(argv[optind], "checkpoint") == 0) {
        arguments->checkpoint = argv[optind + 1];
        optind += 2;
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
    moves_heed();
    runner_prepare();
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
    atomic_store(&shared->command, 0);
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
    if (died)
        atomic_store(&shared->runner, 0);
    if (died && !atomic_load(&shared->fetched)) {
        /* Nothing was begun yet: the host gives the same again. */
        sleep_ms(RESTART_DELAY_MS);
        start_runner(agent);
        return;
    }
    if (died && !atomic_load(&shared->reported))
        atomic_store(&shared->runner, start(agent, reporter_main));
    if (atomic_load(&shared->reported) && atomic_load(&shared->more))
        start_runner(agent);
}

/*
 * The processes of the command end, those in a session of their own live on; so does what they printed to. Stopped, the
 * runner starts nothing meanwhile.
 */
static void forget_task(const struct agent *agent)
{
    struct shared *shared = agent->shared;
    pid_t runner = atomic_load(&shared->runner);
    int status = 0;
    if (runner > 0)
        kill(runner, SIGSTOP);
    while (runner > 0 && waitpid(runner, &status, WUNTRACED) < 0 && errno == EINTR)
        ;
    bool stopped = WIFSTOPPED(status);
    pid_t command = atomic_load(&shared->command);
    struct tree_kill what = {
        .root = stopped ? runner : getpid(),
        .spare_session = !stopped,
        .session = command > 0 ? command : -1,
        .except = atomic_load(&shared->poller),
        .traced = stopped ? command : 0,
    };
    size_t found;
    size_t left = tree_kill(&what, &found);
    if (stopped) {
        kill(runner, SIGNAL_FORGET);
        kill(runner, SIGCONT);
        what.traced = 0;
        left = tree_kill(&what, &found);
    }
    if (left > 0)
        note("some processes of the task could not be killed");
    atomic_store(&shared->killed, false);
}

static void move_on(const struct agent *agent, const struct json *line)
{
    const struct json *fork = json_get(line, "fork");
    bool forks = fork != NULL && fork->type == JSON_OBJECT;
    double offset = json_get_number(line, "logOffset", 0);
    bool renew = json_get_string(line, "machineId") != NULL;
    if (forks) {
        moves_note_fork();
        forget_task(agent);
    }
    if (agent->owns_machine)
        identity_adopt(line, renew);
    moves_note(json_get_string(line, "life"), offset >= 0 && offset <= MAX_LOG_POSITION ? (uint64_t)offset : 0);
    moves_tell();
    if (forks)
        start_runner(agent);
    if (agent->owns_machine && renew)
        identity_renew_services();
}

static void end_all(void) __attribute__((noreturn));
static void end_all(void)
{
    struct tree_kill all = {.root = getpid()};
    size_t found;
    tree_kill(&all, &found);
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
    exit(0);
}

/* Somebody has ended, has reported, or wants this agent to end. */
static void heed_signals(const struct agent *agent, int signals)
{
    struct signalfd_siginfo info;
    while (read(signals, &info, sizeof info) == (ssize_t)sizeof info)
        if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
            end_all();
    bool runner_died = false;
    bool poller_died = false;
    bury(&runner_died, &poller_died, agent->shared);
    if (poller_died) {
        sleep_ms(RESTART_DELAY_MS);
        start_poller(agent);
    }
    see_to_runner(agent, runner_died);
}

/* Wakes up when something happens only: a host that is gone is said to be gone once. */
static void expect_events(int set, int fd)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    if (epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) != 0)
        note("cannot wait for events: %s", strerror(errno));
}

static void watch(const struct agent *agent, const sigset_t *signals, struct wake *wake) __attribute__((noreturn));
static void watch(const struct agent *agent, const sigset_t *signals, struct wake *wake)
{
    int signal_fd = signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK);
    int set = epoll_create1(EPOLL_CLOEXEC);
    expect_events(set, signal_fd);
    if (wake->fd >= 0)
        expect_events(set, wake->fd);
    for (;;) {
        heed_signals(agent, signal_fd);
        for (struct json *line = wake_next_move(wake); line != NULL; line = wake_next_move(wake)) {
            move_on(agent, line);
            json_free(line);
        }
        struct epoll_event event;
        if (epoll_wait(set, &event, 1, -1) < 0 && errno != EINTR)
            exit(70);
    }
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--linger") == 0)
        runner_linger(atoi(argv[2]), 0, NULL);
    struct agent agent = {.url = DEFAULT_URL, .owns_machine = true};
    struct arguments arguments = {.config = DEFAULT_CONFIG, .wake_fd = -1};
    parse_arguments(argc, argv, &agent, &arguments);
    signal(SIGPIPE, SIG_IGN);
    if (arguments.checkpoint != NULL)
        return checkpoint(agent.url, arguments.checkpoint);
    config_load(&agent.config, arguments.config);
    agent.shared = mmap(NULL, sizeof *agent.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (agent.shared == MAP_FAILED) {
        note("cannot get memory: %s", strerror(errno));
        return 70;
    }
    atomic_store(&agent.shared->main, getpid());
    moves_share(&agent.shared->moves);
    signal(SIGHUP, SIG_IGN);
    signal(SIGNAL_MOVED, SIG_IGN);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    /* A group of its own, for moves_tell(); who leads a session has one. */
    setpgid(0, 0);
    protect_from_oom_killer();
    struct wake wake = {.fd = -1};
    if (agent.owns_machine)
        network_bring_up();
    if (agent.owns_machine || arguments.wake_fd >= 0)
        wake_open(&wake, arguments.wake_fd);
    wake_wait(&wake, &agent);

    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGNAL_REPORTED);
    sigset_t blocked = signals;
    /* So that a runner that has not begun yet hears of it when it has. */
    sigaddset(&blocked, SIGNAL_FORGET);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    start_runner(&agent);
    start_poller(&agent);
    watch(&agent, &signals, &wake);
}
