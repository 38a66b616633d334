/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of a probe: arguments and deadline are checked here, the implementation does the rest.
 */
#include "inventory/probe.h"

#include "inventory/line.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

void probe_free(struct probe *p)
{
    if (p)
        p->ops->free(p);
}

void probe_set_deadline(struct probe *p, const struct clock *clock, uint64_t deadline_mono_ms)
{
    p->clock = clock;
    p->deadline_mono_ms = deadline_mono_ms;
}

/* What every call needs first. */
static int probe_enter(struct probe *p, const char *path, struct err *err)
{
    if (path && (path[0] != '/' || strlen(path) >= PROBE_PATH_MAX))
        return err_set(err, -EINVAL, "not an absolute path of usual length: '%.64s'", path);
    if (p->clock && clock_mono_ms(p->clock) >= p->deadline_mono_ms)
        return err_set(err, -ETIME, "out of time before '%s'", path ? path : "addresses");
    p->calls++;
    return 0;
}

int probe_read(struct probe *p, const char *path, size_t max_bytes, struct buf *out, bool *ret_cut,
               struct err *err)
{
    bool cut = false;
    int rc = probe_enter(p, path, err);

    if (rc == 0)
        rc = p->ops->read(p, path, max_bytes, out, &cut, err);
    if (rc == 0 && ret_cut)
        *ret_cut = cut;
    return rc;
}

static int compare_names(const void *a, const void *b)
{
    return strverscmp(*(char *const *)a, *(char *const *)b);
}

int probe_list(struct probe *p, const char *path, char ***ret_names, bool *ret_more,
               struct err *err)
{
    char **names = NULL;
    size_t n = 0;
    int rc = probe_enter(p, path, err);

    /* One more than we take, so that we know whether there was more. */
    if (rc == 0)
        rc = p->ops->list(p, path, PROBE_LIST_MAX + 1, &names, err);
    if (rc < 0)
        return rc;
    n = text_vec_len(names);
    if (ret_more)
        *ret_more = n > PROBE_LIST_MAX;
    if (n > PROBE_LIST_MAX) {
        free(names[n - 1]);
        names[--n] = NULL;
    }
    if (n > 0)
        qsort(names, n, sizeof(*names), compare_names);
    *ret_names = names;
    return 0;
}

int probe_link(struct probe *p, const char *path, char *out, size_t size, struct err *err)
{
    int rc = probe_enter(p, path, err);

    return rc < 0 ? rc : p->ops->link(p, path, out, size, err);
}

int probe_stat(struct probe *p, const char *path, struct probe_stat *ret, struct err *err)
{
    int rc = probe_enter(p, path, err);

    return rc < 0 ? rc : p->ops->stat(p, path, ret, err);
}

bool probe_exists(struct probe *p, const char *path)
{
    struct probe_stat st;

    return probe_stat(p, path, &st, NULL) == 0;
}

int probe_space(struct probe *p, const char *mount, struct probe_space *ret, struct err *err)
{
    int rc = probe_enter(p, mount, err);

    return rc < 0 ? rc : p->ops->space(p, mount, ret, err);
}

int probe_content(struct probe *p, const char *device, struct probe_content *ret, struct err *err)
{
    int rc = probe_enter(p, device, err);

    if (rc < 0)
        return rc;
    if (!p->ops->content)
        return err_set(err, -EOPNOTSUPP, "the %s probe reads no devices", p->ops->name);
    return p->ops->content(p, device, ret, err);
}

int probe_addrs(struct probe *p, struct probe_addr *out, size_t max, size_t *ret_n, struct err *err)
{
    int rc = probe_enter(p, NULL, err);

    if (rc < 0)
        return rc;
    if (!p->ops->addrs)
        return err_set(err, -EOPNOTSUPP, "the %s probe knows files only", p->ops->name);
    return p->ops->addrs(p, out, max, ret_n, err);
}

/* The first line of a small file, trimmed; lent by *out. */
static int read_line(struct probe *p, struct buf *out, struct slice *ret_line, const char *fmt,
                     va_list ap)
{
    char path[PROBE_PATH_MAX];
    struct slice rest;
    int n = vsnprintf(path, sizeof(path), fmt, ap);
    int rc;

    if (n < 0 || (size_t)n >= sizeof(path))
        return -ENAMETOOLONG;
    rc = probe_read(p, path, PROBE_TEXT_MAX, out, NULL, NULL);
    if (rc < 0)
        return rc;
    rest = buf_slice(out);
    *ret_line = line_trim(line_until(&rest, '\n'));
    return 0;
}

int probe_text(struct probe *p, char *out, size_t size, const char *fmt, ...)
{
    auto_buf struct buf b = {0};
    struct slice line;
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = read_line(p, &b, &line, fmt, ap);
    va_end(ap);
    if (rc == 0)
        line_copy(out, size, line);
    return rc;
}

int probe_u64(struct probe *p, uint64_t *ret, const char *fmt, ...)
{
    auto_buf struct buf b = {0};
    struct slice line;
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = read_line(p, &b, &line, fmt, ap);
    va_end(ap);
    if (rc == 0 && !line_u64(line, 10, ret))
        rc = -EINVAL;
    return rc;
}
