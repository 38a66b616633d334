/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of ini files in memory, each with its origin, and the environment above them (over inih). */
#include "base/conf_priv.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/gw.h"
#include "base/num.h"
#include "base/text.h"

#include <dirent.h>
#include <ini.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>

#include "base/banned.h"

enum {
    LINE_MAX_BYTES = 4096,
    NAME_MAX_BYTES = 48, /* inih silently cuts section names at 50 */
    KEYS_MAX = 10000,
};

static void entry_done(struct conf_entry *e)
{
    free(e->section);
    free(e->key);
    free(e->value);
    free(e->origin);
}

int conf_new(struct conf **ret, struct err *err)
{
    struct conf *c = calloc(1, sizeof(*c));

    if (!c)
        return err_set(err, -ENOMEM, "%m");
    *ret = c;
    return 0;
}

void conf_free(struct conf *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->n; i++)
        entry_done(&c->entries[i]);
    free(c->entries);
    free(c);
}

static void conf_freep(struct conf **c)
{
    conf_free(*c);
}

static struct conf_entry *find(const struct conf *c, const char *section, const char *key)
{
    for (size_t i = 0; i < c->n; i++)
        if (text_equal(c->entries[i].section, section) && text_equal(c->entries[i].key, key))
            return &c->entries[i];
    return NULL;
}

static int make_room(struct conf *c)
{
    size_t cap = c->cap ? c->cap * 2 : 32;
    struct conf_entry *entries;

    if (c->n < c->cap)
        return 0;
    if (c->n >= KEYS_MAX)
        return -EFBIG;
    entries = reallocarray(c->entries, cap, sizeof(*entries));
    if (!entries)
        return -ENOMEM;
    c->entries = entries;
    c->cap = cap;
    return 0;
}

/* Set or replace; all or nothing. */
static int put(struct conf *c, const char *section, const char *key, const char *value,
               const char *origin)
{
    struct conf_entry *at = find(c, section, key);
    struct conf_entry fresh = {
        .section = strdup(section),
        .key = strdup(key),
        .value = strdup(value),
        .origin = strdup(origin),
    };
    int rc = 0;

    if (!fresh.section || !fresh.key || !fresh.value || !fresh.origin)
        rc = -ENOMEM;
    if (rc == 0 && !at)
        rc = make_room(c);
    if (rc < 0) {
        entry_done(&fresh);
        return rc;
    }
    if (at)
        entry_done(at);
    else
        at = &c->entries[c->n++];
    *at = fresh;
    return 0;
}

/* A file being read. inih calls back after each line that it took from us. */
struct reading {
    struct conf *into;
    const char *path;
    const char *left; /* text not yet given to inih */
    unsigned line;
    int rc;
    struct err *err;
};

static int refuse(struct reading *r, const char *what)
{
    if (r->rc == 0)
        r->rc = err_set_gw(r->err, GW_BAD_CONFIG, -EINVAL, "%s:%u: %s", r->path, r->line, what);
    return 0; /* what tells inih of a failure */
}

/* fgets over text in memory, which also counts and checks the lines. */
static char *next_line(char *out, int size, void *arg)
{
    struct reading *r = arg;
    size_t len = strcspn(r->left, "\n");
    const char *at = r->left;

    if (r->rc < 0 || !*r->left)
        return NULL;
    r->line++;
    r->left += len + (r->left[len] == '\n');
    /* An indented line is a line, not the continuation of a value that inih makes of it. */
    for (; len && (*at == ' ' || *at == '\t'); len--)
        at++;
    if (len + 2 > (size_t)size) {
        refuse(r, "the line is too long");
        return NULL;
    }
    memcpy(out, at, len);
    out[len] = '\n';
    out[len + 1] = '\0';
    return out;
}

static int take_key(void *arg, const char *section, const char *key, const char *value)
{
    struct reading *r = arg;
    char origin[PATH_MAX + 16];
    int rc;

    if (r->rc < 0)
        return 0;
    if (!text_is_name(section) || strlen(section) > NAME_MAX_BYTES)
        return refuse(r, section[0] ? "not a section name" : "a key before the first [section]");
    if (!text_is_name(key) || !value)
        return refuse(r, "not a key");
    if (text_print(origin, sizeof(origin), "%s:%u", r->path, r->line) < 0)
        return refuse(r, "the path is too long");
    rc = put(r->into, section, key, value, origin);
    if (rc < 0)
        r->rc = err_set(r->err, rc, "%s:%u: %m", r->path, r->line);
    return rc == 0;
}

/* Debian's inih has run-time limits where others have constants; 200 bytes a line are too few. */
static void set_line_limit(void)
{
    ini_max_line = LINE_MAX_BYTES;
}

static int parse(struct conf *into, const char *path, const char *text, struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct reading r = {.into = into, .path = path, .left = text, .err = err};
    int bad_line;

    pthread_once(&once, set_line_limit);
    bad_line = ini_parse_stream(next_line, &r, take_key, &r);
    if (r.rc == 0 && bad_line < 0)
        return err_set(err, -ENOMEM, "%s: %m", path);
    /* inih goes on after a line that it cannot read: name that one, not what came of it. */
    if (bad_line > 0 && (r.rc == 0 || (unsigned)bad_line < r.line)) {
        r.rc = 0;
        r.line = (unsigned)bad_line;
        refuse(&r, "neither [section] nor key = value");
    }
    return r.rc;
}

static int merge(struct conf *c, const struct conf *from, struct err *err)
{
    int rc = 0;

    for (size_t i = 0; i < from->n && rc == 0; i++)
        rc = put(c, from->entries[i].section, from->entries[i].key, from->entries[i].value,
                 from->entries[i].origin);
    return rc < 0 ? err_set(err, rc, "configuration: %m") : 0;
}

int conf_load(struct conf *c, const char *path, struct err *err)
{
    AUTO(conf_freep) struct conf *fresh = NULL;
    auto_buf struct buf text = {0};
    const char *cstr;
    int rc = fd_load(path, CONF_FILE_MAX, &text, err);

    if (rc < 0)
        return rc;
    cstr = buf_cstr(&text);
    if (!cstr)
        return err_set(err, -ENOMEM, "'%s': %m", path);
    if (strlen(cstr) != text.len)
        return err_set_gw(err, GW_BAD_CONFIG, -EINVAL, "%s: not a text file", path);
    rc = conf_new(&fresh, err);
    if (rc == 0)
        rc = parse(fresh, path, cstr, err);
    return rc < 0 ? rc : merge(c, fresh, err);
}

static int is_conf_name(const struct dirent *d)
{
    return d->d_name[0] != '.' && text_ends(d->d_name, ".conf");
}

/* By bytes, not by locale: the order of files must not depend on who starts the program. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int load_named(struct conf *c, const char *dir, const char *name, struct err *err)
{
    char path[PATH_MAX];

    if (text_print(path, sizeof(path), "%s/%s", dir, name) < 0)
        return err_set(err, -ENAMETOOLONG, "%.80s/%.80s: %m", dir, name);
    return conf_load(c, path, err);
}

int conf_load_dir(struct conf *c, const char *dir, struct err *err)
{
    struct dirent **names = NULL;
    int n = scandir(dir, &names, is_conf_name, by_name);
    int rc = 0;

    if (n < 0 && errno == ENOENT)
        return 0;
    if (n < 0)
        return err_set(err, -errno, "directory '%s': %m", dir);
    for (int i = 0; i < n; i++) {
        if (rc == 0)
            rc = load_named(c, dir, names[i]->d_name, err);
        free(names[i]);
    }
    free(names);
    return rc;
}

/* [store] s3-region is GODWIT_STORE_S3_REGION; an empty variable counts as unset. */
static const char *from_environment(const char *section, const char *key)
{
    char name[160];
    const char *value;

    if (text_print(name, sizeof(name), "GODWIT_%s_%s", section, key) < 0)
        return NULL;
    for (char *p = name; *p; p++) {
        if (*p >= 'a' && *p <= 'z')
            *p = (char)(*p - 'a' + 'A');
        else if (!(*p >= 'A' && *p <= 'Z') && !(*p >= '0' && *p <= '9'))
            *p = '_';
    }
    value = getenv(name);
    return value && value[0] ? value : NULL;
}

const char *conf_get(const struct conf *c, const char *section, const char *key, const char *dflt)
{
    const char *value = from_environment(section, key);
    const struct conf_entry *e = find(c, section, key);

    if (value)
        return value;
    return e ? e->value : dflt;
}

const char *conf_origin(const struct conf *c, const char *section, const char *key)
{
    const struct conf_entry *e = find(c, section, key);

    if (from_environment(section, key))
        return "environment";
    return e ? e->origin : "default";
}

bool conf_is_set(const struct conf_entry *e)
{
    return text_equal(e->origin, "set");
}

static void drop(struct conf *c, const char *section, const char *key)
{
    struct conf_entry *e = find(c, section, key);
    size_t after;

    if (!e)
        return;
    after = c->n - (size_t)(e - c->entries) - 1;
    entry_done(e);
    memmove(e, e + 1, after * sizeof(*e));
    c->n--;
}

/* Would a file give it back as it is? inih trims both ends and cuts at " ;". */
static bool value_survives(const char *value)
{
    size_t len = strlen(value);

    if (value[strcspn(value, "\r\n")] || strstr(value, " ;") || strstr(value, "\t;"))
        return false;
    if (len && (value[0] == ' ' || value[0] == '\t' || value[0] == ';'))
        return false;
    if (len && (value[len - 1] == ' ' || value[len - 1] == '\t'))
        return false;
    return len + 2 * NAME_MAX_BYTES < LINE_MAX_BYTES;
}

int conf_set(struct conf *c, const char *section, const char *key, const char *value,
             struct err *err)
{
    int rc;

    if (!text_is_name(section) || strlen(section) > NAME_MAX_BYTES || !text_is_name(key))
        return err_set_gw(err, GW_BAD_VALUE, -EINVAL, "'%.64s.%.64s' is not a key", section, key);
    if (!value) {
        drop(c, section, key);
        return 0;
    }
    if (!value_survives(value))
        return err_set_gw(err, GW_BAD_VALUE, -EINVAL,
                          "the value of %s.%s cannot stand on one line of a file", section, key);
    rc = put(c, section, key, value, "set");
    return rc < 0 ? err_set(err, rc, "set %s.%s: %m", section, key) : 0;
}

int conf_each(const struct conf *c, conf_each_fn fn, void *arg)
{
    int rc = 0;

    for (size_t i = 0; i < c->n && rc == 0; i++) {
        const struct conf_entry *e = &c->entries[i];

        rc = fn(arg, e->section, e->key, conf_get(c, e->section, e->key, e->value),
                conf_origin(c, e->section, e->key));
    }
    return rc;
}
