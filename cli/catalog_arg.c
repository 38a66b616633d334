/* SPDX-License-Identifier: Apache-2.0 */
/* Files and standard input, a portion at a time: price lists may be larger than memory. */
#include "cli/catalog_arg.h"

#include "base/auto.h"
#include "base/jsw.h"
#include "base/text.h"
#include "planner/engine/catalogue_read.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/banned.h"

enum { PORTION = 256 << 10, REFUSED_MAX = 1000, FILES_MAX = 64 };

struct telling {
    struct catalog_arg_told *told;
    const char *file;
};

static void refused(void *ctx, size_t line, const char *column, const char *why)
{
    struct telling *t = ctx;

    if (t->told->refused_n++ >= REFUSED_MAX)
        return;
    jsw_obj(t->told->refused, NULL);
    jsw_str(t->told->refused, "file", t->file);
    jsw_u64(t->told->refused, "line", line);
    jsw_str(t->told->refused, "column", column);
    jsw_str(t->told->refused, "why", why);
    jsw_end(t->told->refused);
}

static int feed_all(int fd, struct catalogue_read *r, struct err *err)
{
    auto_free uint8_t *portion = malloc(PORTION);
    ssize_t n;
    int rc = 0;

    if (!portion)
        return err_set(err, -ENOMEM, "a portion of a price list: %m");
    while (rc == 0 && (n = read(fd, portion, PORTION)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        rc = n < 0 ? err_set(err, -errno, "read: %m")
                   : catalogue_read_feed(r, slice_of(portion, (size_t)n), err);
    }
    return rc == 0 ? catalogue_read_file_end(r, err) : rc;
}

static int feed_file(const char *file, struct catalogue_read *r, struct err *err)
{
    auto_close int opened = -1;
    bool is_stdin = text_equal(file, "-");
    int rc;

    if (!is_stdin)
        opened = open(file, O_RDONLY | O_CLOEXEC);
    if (!is_stdin && opened < 0)
        return err_set(err, -errno, "open '%s': %m", file);
    rc = feed_all(is_stdin ? STDIN_FILENO : opened, r, err);
    if (rc < 0 && err && err->gw == GW_NONE && rc == -EINVAL)
        err->gw = GW_BAD_DOCUMENT;
    return rc < 0 ? err_add(err, rc, "'%s'", file) : 0;
}

int catalog_arg_read(const struct cmd_call *call, const char *const *files, size_t n,
                     struct catalog_arg_told *told, struct catalogue *ret, struct err *err)
{
    auto_catalogue_read struct catalogue_read *r = NULL;
    struct telling telling = {.told = told};
    struct catalogue_spec spec = {.provider = opt_text(call->opts, "provider"),
                                  .region = opt_text(call->opts, "region"),
                                  .currency = opt_text(call->opts, "currency"),
                                  .windows = opt_switch(call->opts, "windows"),
                                  .refused = told ? refused : NULL,
                                  .ctx = &telling};
    int rc = catalogue_read_new(&spec, &r, err);

    for (size_t i = 0; rc == 0 && i < n; i++) {
        telling.file = files[i];
        rc = feed_file(files[i], r, err);
        if (rc < 0 || !told)
            continue;
        jsw_obj(told->files, NULL);
        jsw_str(told->files, "file", files[i]);
        jsw_str(told->files, "kind", catalogue_read_kind(r));
        jsw_end(told->files);
    }
    return rc < 0 ? rc : catalogue_read_take(r, ret, err);
}

int catalog_arg_flag(const struct cmd_call *call, struct catalogue *ret, struct err *err)
{
    const char *files[FILES_MAX], *file;
    size_t n = 0;

    while (n < FILES_MAX && (file = opt_text_at(call->opts, "catalog", n)))
        files[n++] = file;
    if (n == 0)
        return err_set_gw(err, GW_USAGE, -EINVAL, "at which prices? --catalog FILE");
    return catalog_arg_read(call, files, n, NULL, ret, err);
}
