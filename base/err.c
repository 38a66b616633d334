/* SPDX-License-Identifier: Apache-2.0 */
/* Filling the caller's struct err. Never allocates, never logs. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"

static bool code_is_retryable(int code)
{
    switch (-code) {
    case EAGAIN:
    case ETIMEDOUT:
    case EINTR:
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
    case ENETUNREACH:
    case EHOSTUNREACH:
    case EBUSY:
        return true;
    default:
        return false;
    }
}

__attribute__((format(printf, 4, 0))) static void fill(struct err *err, unsigned gw, int code,
                                                       const char *fmt, va_list ap)
{
    err->code = code;
    err->gw = gw;
    err->retryable = code_is_retryable(code);
    errno = -code; /* so that %m speaks of the code, whatever ran in between */
    vsnprintf(err->text, sizeof(err->text), fmt, ap);
}

int(err_set)(struct err *err, int code, const char *fmt, ...)
{
    va_list ap;

    code = err_negative_(code);
    if (!err)
        return code;
    va_start(ap, fmt);
    fill(err, 0, code, fmt, ap);
    va_end(ap);
    return code;
}

int(err_set_gw)(struct err *err, unsigned gw, int code, const char *fmt, ...)
{
    va_list ap;

    code = err_negative_(code);
    if (!err)
        return code;
    va_start(ap, fmt);
    fill(err, gw, code, fmt, ap);
    va_end(ap);
    return code;
}

int(err_add)(struct err *err, int code, const char *fmt, ...)
{
    char old[ERR_TEXT_MAX];
    va_list ap;
    size_t used;

    code = err_negative_(code);
    if (!err)
        return code;
    memcpy(old, err->text, sizeof(old));
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, ap);
    va_end(ap);
    used = strlen(err->text);
    snprintf(err->text + used, sizeof(err->text) - used, "%s%s", old[0] ? ": " : "", old);
    if (err->code >= 0)
        err->code = code;
    return err->code;
}

void err_clear(struct err *err)
{
    if (err)
        *err = (struct err){0};
}
