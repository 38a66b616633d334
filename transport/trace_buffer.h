/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tracing buffer of our own (an instance of tracefs) that records the requests of one disk when
 * they complete. It outlives this process: recording ends with trace_buffer_remove, or a reboot.
 */
#ifndef GODWIT_TRANSPORT_TRACE_BUFFER_H
#define GODWIT_TRANSPORT_TRACE_BUFFER_H

#include "base/auto.h"
#include "transport/trace_ring.h"

#include <stdbool.h>

struct err;
struct trace_buffer;

/* Of all processors, since it was made. */
struct trace_counts {
    uint64_t read; /* events that were taken out, by whomever */
    uint64_t lost; /* overwritten or dropped before that */
    uint64_t held; /* bytes of what is still in it */
};

/* Letters, digits and dashes, below 64 of them. Mounts tracefs when it is not. -EEXIST.
 * -EOPNOTSUPP, -EACCES, -EPERM: not here. A failure leaves nothing. */
int trace_buffer_new(const char *name, unsigned major, unsigned minor, struct trace_buffer **ret,
                     struct err *err);
/* -ENOENT: there is none of that name. */
int trace_buffer_open(const char *name, struct trace_buffer **ret, struct err *err);
void trace_buffer_close(struct trace_buffer *b); /* recording goes on */

/*
 * Take out what was recorded before this call, and tell it. Allocates nothing and touches no file
 * system but tracefs. -ESTALE: events are missing.
 */
int trace_buffer_drain(struct trace_buffer *b, trace_event_fn fn, void *arg);
int trace_buffer_counts(struct trace_buffer *b, struct trace_counts *ret, struct err *err);
/* Does it hold a quarter of what one processor's part has room for, or cannot tell? */
bool trace_buffer_is_filling(struct trace_buffer *b);

void trace_buffer_remove(const char *name);
/* Every name that begins with `prefix`, to fn. */
void trace_buffer_each(const char *prefix, void (*fn)(void *arg, const char *name), void *arg);

#endif
