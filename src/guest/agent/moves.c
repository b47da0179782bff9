#include "moves.h"

#include <errno.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* A process of the agent has two at most. */
#define MAX_SOCKETS 8

static struct moves unshared;
static struct moves *moves = &unshared;
/* One more than its number, and above that the moves before it was made; 0: none. */
static _Atomic uint64_t sockets[MAX_SOCKETS];
static atomic_int event_fd = -1;
static bool bound;
static unsigned bound_forks;

void moves_share(struct moves *shared)
{
    moves = shared;
}

static int number_of(uint64_t entry)
{
    return (int)(uint32_t)entry - 1;
}

/* What was made since is a connection with the host this machine has now. */
static void on_move(int number)
{
    (void)number;
    int saved = errno;
    for (int i = 0; i < MAX_SOCKETS; i++) {
        uint64_t entry = atomic_load(&sockets[i]);
        if (entry != 0 && entry >> 32 != atomic_load(&moves->count))
            shutdown(number_of(entry), SHUT_RDWR);
    }
    int event = atomic_load(&event_fd);
    if (event >= 0) {
        uint64_t one = 1;
        (void)!write(event, &one, sizeof one);
    }
    errno = saved;
}

void moves_heed(void)
{
    struct sigaction action = {.sa_handler = on_move, .sa_flags = SA_RESTART};
    sigaction(SIGNAL_MOVED, &action, NULL);
}

void moves_bind(void)
{
    bound_forks = atomic_load(&moves->forks);
    bound = true;
}

void moves_note(const char *life, uint64_t log_offset)
{
    unsigned count = atomic_load(&moves->count) + 1;
    snprintf(moves->life[count % 2], sizeof moves->life[0], "%s", life == NULL ? "" : life);
    atomic_store(&moves->log_offset, log_offset);
    atomic_store(&moves->count, count);
}

void moves_note_fork(void)
{
    atomic_fetch_add(&moves->forks, 1);
}

void moves_tell(void)
{
    kill(0, SIGNAL_MOVED);
}

unsigned moves_count(void)
{
    return atomic_load(&moves->count);
}

bool moves_since(unsigned *seen)
{
    unsigned before = *seen;
    *seen = moves_count();
    return *seen != before;
}

uint64_t moves_log_offset(void)
{
    return atomic_load(&moves->log_offset);
}

int moves_event(void)
{
    int event = atomic_load(&event_fd);
    if (event < 0) {
        event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        atomic_store(&event_fd, event);
    }
    return event;
}

void moves_header(char *header, unsigned size)
{
    header[0] = '\0';
    if (bound && bound_forks != atomic_load(&moves->forks))
        return;
    for (unsigned count = atomic_load(&moves->count); count != 0;) {
        const char *life = moves->life[count % 2];
        int len = life[0] == '\0' ? 0 : snprintf(header, size, "X-Boxcar-Life: %.*s\r\n", MAX_LIFE, life);
        if (len == 0)
            header[0] = '\0';
        atomic_thread_fence(memory_order_acquire);
        unsigned now = atomic_load(&moves->count);
        if (now == count)
            return;
        count = now;
    }
}

unsigned moves_add(int socket)
{
    unsigned count = moves_count();
    uint64_t entry = (uint64_t)count << 32 | (uint32_t)(socket + 1);
    for (int i = 0; i < MAX_SOCKETS; i++) {
        uint64_t none = 0;
        if (atomic_compare_exchange_strong(&sockets[i], &none, entry))
            break;
    }
    return count;
}

void moves_remove(int socket)
{
    for (int i = 0; i < MAX_SOCKETS; i++) {
        uint64_t entry = atomic_load(&sockets[i]);
        if (entry != 0 && number_of(entry) == socket)
            atomic_compare_exchange_strong(&sockets[i], &entry, 0);
    }
}
