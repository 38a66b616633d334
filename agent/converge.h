/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does replication of a volume get there? Pure: from the passes that ended and the one under way.
 *
 * A pass sends what changed in the time since the one before it began. When it takes as long as
 * that time, the next has as much to send, and the lag stays; when longer, it grows for ever. So
 * the load, time that passes take over time between their starts, is the write rate over the rate
 * at which what was written leaves; both are of the bytes of the last few passes.
 */
#ifndef GODWIT_AGENT_CONVERGE_H
#define GODWIT_AGENT_CONVERGE_H

#include "transport/spent.h"

enum converge_state {
    CONVERGE_UNKNOWN,
    CONVERGE_SEEDING,
    CONVERGE_CONVERGING, /* behind, and getting nearer */
    CONVERGE_STEADY,     /* no further behind than is wanted */
    CONVERGE_NOT,
};
const char *converge_name(enum converge_state s); /* "seeding", …; NULL: unknown */

struct converge_pass {
    uint64_t since_ms; /* from the start of the pass before it to its own; 0 = not known */
    uint64_t took_ms;
    uint64_t changed_bytes; /* of the volume */
    uint64_t sent_bytes;    /* as they went over the line */
    double shares[SPENT_KINDS];
};

/* The lag that is wanted. A fixed one was asked for; one that is not is only where people begin to
 * look, and a lag above it that does not grow is as good as passes are. */
struct converge_target {
    uint64_t lag_ms;
    bool fixed;
};

/* {0}: nothing is known. Sums decay by half with each pass. */
struct converge {
    double since_ms, took_ms, changed_bytes, sent_bytes;
    double spent_ms[SPENT_KINDS];
    uint64_t peak_ms; /* the lag right before the last pass was durable */
    uint64_t last_ms; /* what that took */
    bool diverges;
    unsigned against, in_favour; /* passes in a row */
};

/* A pass that ended well, be it that it found nothing. */
void converge_pass(struct converge *c, const struct converge_pass *p,
                   const struct converge_target *target);

struct converge_now {
    bool seeded;
    uint64_t lag_ms;     /* age of what the store has */
    uint64_t running_ms; /* of the pass under way; 0 = none */
    uint64_t since_ms;   /* as converge_pass, of the pass under way */
    /* Likewise: of what it has to look at, and what was written meanwhile; 0 = not known. */
    uint64_t done_bytes, written_bytes;
};
enum converge_state converge_judge(const struct converge *c, const struct converge_now *now,
                                   const struct converge_target *target);

/* Bytes a second; 0 = not known. */
uint64_t converge_write_rate(const struct converge *c); /* that newly change */
uint64_t converge_drain_rate(const struct converge *c); /* of the volume, while passes run */
uint64_t converge_send_rate(const struct converge *c);  /* on the line, while passes run */
/* On the line, to catch up at all: half as much again as what is written takes there. */
uint64_t converge_need_rate(const struct converge *c);
/* Seconds until what was written up to now and meanwhile has left; below 0 = never, not known. */
double converge_eta_s(const struct converge *c, uint64_t backlog_bytes);
/* What the passes spent most of their time on. False: not known. */
bool converge_bound(const struct converge *c, enum spent_on *ret);

#endif
