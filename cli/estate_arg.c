/* SPDX-License-Identifier: Apache-2.0 */
/* Files and folders to the importers; what they refuse is told as it comes. */
#include "cli/estate_arg.h"

#include "base/auto.h"
#include "base/jsw.h"
#include "base/text.h"
#include "cli/fleet.h"
#include "cli/slurp.h"
#include "planner/engine/estate.h"
#include "planner/engine/import.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/banned.h"

enum { TOLD_MAX = 1000, FILES_MAX = 4096 };

struct telling {
    const struct estate_arg_spec *spec;
    size_t n;
};

/* -- refusals --------------------------------------------------------------------------------- */

static void tell_person(const struct import_refusal *r)
{
    char value[64];

    (void)text_print(value, sizeof(value), "%.60s", r->value);
    text_sanitize(value);
    fprintf(stderr, "%s:%zu: %s%s%s%s%s%s%s\n", r->file, r->line, r->column, *r->column ? " " : "",
            *value ? "'" : "", value, *value ? "': " : "", r->why,
            r->whole_row ? " (the row is left out)" : "");
}

static void tell_program(struct jsw *w, const struct import_refusal *r)
{
    jsw_obj(w, NULL);
    jsw_str(w, "file", r->file);
    jsw_u64(w, "line", r->line);
    jsw_str(w, "column", r->column);
    jsw_str(w, "value", r->value);
    jsw_str(w, "why", r->why);
    jsw_bool(w, "whole_row", r->whole_row);
    jsw_end(w);
}

static void tell(void *ctx, const struct import_refusal *refusal)
{
    struct telling *t = ctx;

    if (t->n++ >= TOLD_MAX)
        return;
    if (t->spec->refused)
        tell_program(t->spec->refused, refusal);
    else
        tell_person(refusal);
    if (t->n == TOLD_MAX && !t->spec->refused)
        fprintf(stderr, "... and more; mend these first\n");
}

/* -- files ------------------------------------------------------------------------------------ */

int estate_arg_bytes(const struct estate_arg_spec *spec, const char *path, struct slice bytes,
                     struct estate *into, struct estate_arg_told *told, struct err *err)
{
    const char *slash = strrchr(path, '/');
    struct telling telling = {.spec = spec};
    struct import_spec import = {.format = spec->format, .refused = tell, .ctx = &telling};
    struct import_count count = {0};
    int r = import_file(&import, slash ? slash + 1 : path, bytes, into, &count, err);

    told->files++;
    told->rows += count.rows;
    told->refused += count.refused;
    told->passed_over += count.passed_over;
    return r;
}

static int take_file(const struct estate_arg_spec *spec, const char *path, struct estate *into,
                     struct estate_arg_told *told, struct err *err)
{
    auto_buf struct buf bytes = {.max = IMPORT_BYTES_MAX};
    int r = slurp(path, IMPORT_BYTES_MAX, &bytes, err);

    return r < 0 ? r : estate_arg_bytes(spec, path, buf_slice(&bytes), into, told, err);
}

static int is_visible(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

static void free_entries(struct dirent **entries, int n)
{
    for (int i = 0; i < n; i++)
        free(entries[i]);
    free(entries);
}

/* Its files, by name; folders in it are not looked into. */
static int take_folder(const struct estate_arg_spec *spec, const char *path, struct estate *into,
                       struct estate_arg_told *told, struct err *err)
{
    struct dirent **entries = NULL;
    int n = scandir(path, &entries, is_visible, alphasort), r = 0;

    if (n < 0)
        return err_set(err, -errno, "folder '%s': %m", path);
    if (n == 0 || n > FILES_MAX)
        r = err_set_gw(err, GW_BAD_VALUE, -EINVAL, "folder '%s' has %s", path,
                       n ? "too many files" : "no files");
    for (int i = 0; r == 0 && i < n; i++) {
        char file[4096];
        struct stat st;

        r = text_print(file, sizeof(file), "%s/%s", path, entries[i]->d_name);
        if (r < 0)
            r = err_set(err, r, "'%s/%s': %m", path, entries[i]->d_name);
        else if (stat(file, &st) == 0 && S_ISREG(st.st_mode))
            r = take_file(spec, file, into, told, err);
    }
    free_entries(entries, n);
    return r;
}

int estate_arg_file(const struct estate_arg_spec *spec, const char *path, struct estate *into,
                    struct estate_arg_told *told, struct err *err)
{
    struct stat st;

    if (spec->call && text_equal(path, FLEET_PLANNER))
        return fleet_fetch(spec, into, told, err);
    if (!text_equal(path, "-") && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return take_folder(spec, path, into, told, err);
    return take_file(spec, path, into, told, err);
}

int estate_arg_check(const struct estate_arg_spec *spec, struct estate *e,
                     struct estate_arg_told *told, struct err *err)
{
    struct telling telling = {.spec = spec};
    struct import_spec import = {.refused = tell, .ctx = &telling};
    struct import_count count = {0};
    int r = estate_settle(e, err);

    if (r == 0)
        import_check(&import, e, &count);
    told->refused += count.refused;
    return r;
}

int estate_arg_settle(const struct estate_arg_spec *spec, struct estate *e,
                      struct estate_arg_told *told, struct err *err)
{
    int r = estate_arg_check(spec, e, told, err);

    if (r == 0 && estate_hosts(e) == 0 && estate_workloads(e) == 0)
        r = err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "there is no host in it");
    return r;
}

/* -- --from ----------------------------------------------------------------------------------- */

int estate_arg_take(struct cmd_call *call, struct estate_arg_told *told, struct estate **ret,
                    struct err *err)
{
    struct estate_arg_spec spec = {.format = opt_text(call->opts, "format"), .call = call};
    auto_estate struct estate *e = NULL;
    const char *path;
    int r = estate_new(&e, err);

    if (r == 0 && !opt_text(call->opts, "from"))
        r = fleet_fetch(&spec, e, told, err);
    for (size_t i = 0; r == 0 && (path = opt_text_at(call->opts, "from", i)); i++)
        r = estate_arg_file(&spec, path, e, told, err);
    if (r == 0)
        r = estate_arg_settle(&spec, e, told, err);
    if (r < 0)
        return r;
    *ret = TAKE(e);
    return 0;
}

int estate_arg_read(struct cmd_call *call, struct estate **ret, struct err *err)
{
    struct estate_arg_told told = {0};

    return estate_arg_take(call, &told, ret, err);
}

int estate_arg_load(const char *path, struct estate **ret, struct err *err)
{
    struct estate_arg_spec spec = {.format = NULL};
    struct estate_arg_told told = {0};
    auto_estate struct estate *e = NULL;
    int r = estate_new(&e, err);

    if (r == 0)
        r = estate_arg_file(&spec, path, e, &told, err);
    if (r == 0)
        r = estate_settle(e, err);
    if (r < 0)
        return r;
    *ret = TAKE(e);
    return 0;
}

int estate_arg_exit(const struct estate_arg_told *told)
{
    return told->refused ? GW_EXIT_PARTIAL : GW_EXIT_OK;
}
