/*
 * This machine goes on somewhere else: as a copy, or with another host. What becomes of the agent's connections then.
 *
 * main hears of it (wake.h), writes down what there is to know, and signals its process group: every process of the
 * agent is in it, and no command. Each process then shuts its connections, whatever it is doing with them, and makes
 * them anew as after any other failure. From then on all of them tell the host the name of the life it has given this
 * machine, so that nothing begun before is taken for something begun since.
 */
#ifndef MOVES_H
#define MOVES_H

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define SIGNAL_MOVED SIGUSR2
#define MAX_LIFE 64

/* In memory that all processes of the agent see. */
struct moves {
    _Atomic unsigned count;
    _Atomic unsigned forks;        /* how many of them had the machine forget its task */
    _Atomic uint64_t log_offset;   /* what comes before it in the log is with the host */
    char life[2][MAX_LIFE + 1];    /* the one before stays readable while the next is written */
};

/* In main, before any other process is started. */
void moves_share(struct moves *moves);
/* In every process that has connections: they are shut from now on. */
void moves_heed(void);
/* In a process that is there for one task: what it says after the machine was told to forget that has no life. */
void moves_bind(void);

/* In main. `life`: NULL for none. */
void moves_note(const char *life, uint64_t log_offset);
void moves_note_fork(void);
void moves_tell(void);

unsigned moves_count(void);
/* Whether there was one since `*seen`, which is brought up to date: then the host is another one, and worth a try. */
bool moves_since(unsigned *seen);
uint64_t moves_log_offset(void);
/* Readable after a move until it was read; -1 if there is none. For one reader in this process. */
int moves_event(void);
/* The header line for the host, with its end; or "". */
void moves_header(char *header, unsigned size);

/* A connection, from before it is connected until just before it is closed. Returns how many moves were before it. */
unsigned moves_add(int socket);
void moves_remove(int socket);

#endif
