/* SPDX-License-Identifier: Apache-2.0 */
/* Reads series of measurements; see the header. */
#include "tests/bench/series_read.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/proc.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

enum { FILE_MAX = 256 << 20, GUNZIP_MS = 120000 };

static size_t count(const char *text, const char *end, char of)
{
    size_t n = 0;

    for (; text < end; text++)
        n += *text == of;
    return n;
}

static int read_row(const char *line, const char *end, struct series_row *row, struct err *err)
{
    const char *at = memchr(line, ',', (size_t)(end - line));

    if (!at || text_print(row->name, sizeof(row->name), "%.*s", (int)(at - line), line) < 0)
        return err_set(err, -EINVAL, "a line without name");
    row->values = calloc(count(at, end, ','), sizeof(*row->values));
    if (!row->values)
        return err_set(err, -ENOMEM, "a series: %m");
    while (at < end && *at == ',') {
        char *after;
        float v = strtof(++at, &after);

        row->values[row->n++] = after == at ? NAN : v;
        at = after;
    }
    return 0;
}

static int by_name(const void *a, const void *b)
{
    const struct series_row *x = a, *y = b;

    return strcmp(x->name, y->name);
}

int series_read(const char *path, struct series *ret, struct err *err)
{
    const char *const argv[] = {"gzip", "-dcf", path, NULL};
    struct proc_run run = {.argv = argv, .timeout_ms = GUNZIP_MS, .flags = PROC_STDERR_OURS};
    auto_buf struct buf text = {.max = FILE_MAX};
    auto_series struct series s = {0};
    const char *at, *end;
    int status = 0, rc = proc_run(&run, &text, &status, err);

    if (rc < 0)
        return rc;
    if (status != 0 || !buf_cstr(&text))
        return err_set(err, -EINVAL, "'%s' could not be read", path);
    at = buf_cstr(&text);
    end = at + text.len;
    s.rows = calloc(count(at, end, '\n') + 1, sizeof(*s.rows));
    if (!s.rows)
        return err_set(err, -ENOMEM, "series: %m");
    while (at < end && rc == 0) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));

        stop = stop ? stop : end;
        rc = read_row(at, stop, &s.rows[s.n++], err);
        at = stop + 1;
    }
    if (rc < 0)
        return rc;
    qsort(s.rows, s.n, sizeof(*s.rows), by_name);
    *ret = s;
    s = (struct series){0};
    return 0;
}

const struct series_row *series_find(const struct series *s, const char *name)
{
    struct series_row key = {0};

    if (text_copy(key.name, sizeof(key.name), name) < 0 || s->n == 0)
        return NULL;
    return bsearch(&key, s->rows, s->n, sizeof(*s->rows), by_name);
}

void series_done(struct series *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->rows[i].values);
    free(s->rows);
    *s = (struct series){0};
}
