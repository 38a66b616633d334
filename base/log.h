/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log of the programs. Only agent/, cli/ and planner/service/ log above debug.
 *
 * One line an entry to stderr: with journald priorities ("<6>") when JOURNAL_STREAM names stderr,
 * as JSON with --log-json, else "level message". The sink is the one mutable global, private to
 * log.c.
 */
#ifndef GODWIT_BASE_LOG_H
#define GODWIT_BASE_LOG_H

#include <stdbool.h>

struct err;

enum log_level {
    LOG_LEVEL_ERROR = 3,
    LOG_LEVEL_WARNING = 4,
    LOG_LEVEL_INFO = 6,
    LOG_LEVEL_DEBUG = 7
};

/* program is kept by pointer. Call once, first in main; later calls change level and form. */
void log_init(const char *program, enum log_level level, bool json);

void log_write(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* "what: err->text (GW-nnnn)". */
void log_err(enum log_level level, const struct err *err, const char *what);

#endif
