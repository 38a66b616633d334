/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One error, owned by the caller and of fixed size, so that reporting never allocates.
 *
 * Functions that can fail return 0 or a negative errno and take a `struct err *` last; NULL means
 * "only the code". The function that meets the failure calls err_set (or err_set_gw), each caller
 * may err_add what only it knows. Control flow uses the code, never the text.
 */
#ifndef GODWIT_BASE_ERR_H
#define GODWIT_BASE_ERR_H

#include <errno.h>
#include <stdbool.h>

enum { ERR_TEXT_MAX = 480 };

struct err {
    int code;                /* the negative errno that was returned */
    unsigned gw;             /* row of the catalogue (base/gw.h), 0 = derive it from code */
    bool retryable;          /* trying the same again later may succeed */
    char text[ERR_TEXT_MAX]; /* for people, no trailing newline */
};

/*
 * Record a failure and return code. `%m` in fmt stands for the text of -code. What is returned is
 * always negative: a code that is not (of a call that failed and left errno alone) becomes -EIO, so
 * that a failure never looks like success.
 * retryable is set for -EAGAIN, -ETIMEDOUT, -EINTR, -ECONNREFUSED, -ECONNRESET, -EPIPE,
 * -ENETUNREACH, -EHOSTUNREACH and -EBUSY. err may be NULL.
 */
int err_set(struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* As err_set, naming the row of the catalogue that tells the user why and what next. */
int err_set_gw(struct err *err, unsigned gw, int code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Put "fmt: " before the text that is there; code, gw and retryable stay. Returns err->code or
 * code. */
int err_add(struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Forget a failure that was dealt with. */
void err_clear(struct err *err);

/* Said here too, so that the compiler and analyzers know it of every call. */
static inline int err_negative_(int code)
{
    return code < 0 ? code : -EIO;
}
#define err_set(err, code, ...) err_negative_(err_set((err), (code), __VA_ARGS__))
#define err_set_gw(err, gw, code, ...) err_negative_(err_set_gw((err), (gw), (code), __VA_ARGS__))
#define err_add(err, code, ...) err_negative_(err_add((err), (code), __VA_ARGS__))

#endif
