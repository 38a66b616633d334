/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/stat, for all who look at processes. */
#ifndef GODWIT_INVENTORY_PID_H
#define GODWIT_INVENTORY_PID_H

#include "base/slice.h"

#include <stdbool.h>

enum { PID_COMM_MAX = 64 };

struct pid_stat {
    char comm[PID_COMM_MAX]; /* sanitised */
    char state;              /* 'R', 'S', 'D', 'Z', ... */
    bool is_kernel_thread;
    uint64_t cpu_ms; /* user and system, 0 when it makes no sense */
};

/* False when text is not of that form. */
bool pid_stat_parse(struct slice text, struct pid_stat *ret);

/* Is name the name of a process directory below /proc? */
bool pid_is_name(const char *name);

#endif
