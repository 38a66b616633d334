/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads what the kernel's tracing wrote about block requests that completed: pages of its ring
 * buffer, as trace_pipe_raw gives them. Where the members lie is what the kernel itself says of it.
 * Plain memory; opens nothing. Source: Documentation/trace/ring-buffer-design.rst, and the files
 * events/header_page, events/header_event and events/block/block_rq_complete/format of tracefs.
 */
#ifndef GODWIT_TRANSPORT_TRACE_RING_H
#define GODWIT_TRANSPORT_TRACE_RING_H

#include "base/slice.h"

#include <stddef.h>
#include <stdint.h>

struct err;

struct trace_field {
    size_t at;
    size_t size;
};

struct trace_layout {
    uint32_t id; /* of the event */
    struct trace_field committed;
    struct trace_field data;
    struct trace_field sector;
    struct trace_field sectors;
    struct trace_field what; /* "WS", "DS", "RA" ... */
};

enum trace_op {
    TRACE_NOTHING, /* a flush */
    TRACE_READ,
    TRACE_CHANGE,  /* a write, or zeroing */
    TRACE_DISCARD, /* only the first range is told, when there are several */
    TRACE_UNKNOWN  /* a command of the driver, a zone: who knows what it changed */
};

struct trace_event {
    enum trace_op op;
    uint64_t sector; /* of 512 bytes */
    uint64_t sectors;
};

typedef void (*trace_event_fn)(void *arg, const struct trace_event *e);

/* header_page and format are the texts of the files of these names. -EOPNOTSUPP: another kernel
 * than was thought of. */
int trace_layout_parse(const char *header_page, const char *format, struct trace_layout *ret,
                       struct err *err);
/* Every event of a page, in order. -ESTALE: events are missing; -EBADMSG: not such a page. */
int trace_page_read(const struct trace_layout *l, struct slice page, trace_event_fn fn, void *arg);

#endif
