/* SPDX-License-Identifier: Apache-2.0 */
/* Reading goes over every file, writing only ever to the user's own. */
#include "cli/context.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/gw.h"
#include "base/js.h"
#include "base/text.h"
#include "cli/cmd.h"

#include <sys/stat.h>

#include "base/banned.h"

enum { LOCK_WAIT_MS = 10000, LOCK_LOOK_MS = 10, OWN_FILE_MAX = 1 << 20 };

static const char *const keys[] = {"server", "ca_file", "ca_pin", "token_file"};

static void conf_freep(struct conf **c)
{
    conf_free(*c);
}
#define auto_conf AUTO(conf_freep)

/* -- files ----------------------------------------------------------------- */

static const char *given_path(struct cmd_call *call)
{
    const char *given = opt_text(call->opts, "config");

    return given ? given : getenv("GODWIT_CONFIG");
}

int context_path(struct cmd_call *call, char out[static PATH_MAX], struct err *err)
{
    const char *given = given_path(call);
    char dir[PATH_MAX];
    int r;

    if (given)
        return text_copy(out, PATH_MAX, given);
    r = fd_xdg("config", dir, sizeof(dir), err);
    if (r == 0)
        r = text_print(out, PATH_MAX, "%s/config", dir);
    return r < 0 ? err_set_gw(err, GW_BAD_CONFIG, r, "your configuration has no place: set HOME")
                 : 0;
}

static int load_optional(struct conf *c, const char *path, struct err *err)
{
    int r = conf_load(c, path, err);

    if (r == -ENOENT) {
        err_clear(err);
        return 0;
    }
    return r;
}

int context_conf(struct cmd_call *call, struct conf **ret, struct err *err)
{
    auto_conf struct conf *c = NULL;
    const char *given = given_path(call);
    char path[PATH_MAX];
    int r = conf_new(&c, err);

    if (r == 0 && given) {
        r = conf_load(c, given, err);
        if (r == -ENOENT)
            return err_set_gw(err, GW_BAD_CONFIG, r, "there is no file '%s'", given);
    }
    if (r == 0 && !given)
        r = load_optional(c, GODWIT_SYSCONFDIR "/godwit/godwit.conf", err);
    if (r == 0 && !given && context_path(call, path, NULL) == 0)
        r = load_optional(c, path, err);
    if (r < 0)
        return r;
    *ret = TAKE(c);
    return 0;
}

/* The user's file alone, so that nothing of the system's is copied into it; locked from before it
 * is read until it is written, or changes made at the same time would be lost. */
struct own {
    char path[PATH_MAX];
    struct conf *conf;
    int lock;
};

static void own_done(struct own *o)
{
    conf_free(o->conf);
    if (o->lock >= 0)
        close(o->lock);
}
#define auto_own AUTO(own_done)

/* Made when it is missing: the lock is on the directory. */
static int own_dir(const struct own *o, char dir[static PATH_MAX], struct err *err)
{
    char *slash;
    int r = text_copy(dir, PATH_MAX, o->path);

    if (r < 0)
        return err_set(err, r, "'%.80s…': %m", o->path);
    slash = strrchr(dir, '/');
    if (!slash)
        return text_copy(dir, PATH_MAX, ".");
    slash[slash == dir] = '\0';
    return fd_mkdirs(dir, 0700, err);
}

/* Who removed the last context may have removed the directory with it: then it is made again. */
static int own_lock(struct cmd_call *call, struct own *o, struct err *err)
{
    const uint64_t until_ms = clock_mono_ms(call->clock) + LOCK_WAIT_MS;
    char dir[PATH_MAX];
    struct stat now, locked;
    int r;

    for (;;) {
        r = own_dir(o, dir, err);
        if (r == 0)
            r = fd_lock_dir(dir, &o->lock, err);
        if (r == 0 && stat(dir, &now) == 0 && fstat(o->lock, &locked) == 0 &&
            now.st_ino == locked.st_ino)
            return 0;
        if (r == 0)
            close(o->lock);
        o->lock = -1;
        if ((r < 0 && r != -EWOULDBLOCK && r != -ENOENT) || clock_mono_ms(call->clock) > until_ms)
            return r < 0 ? r : err_set(err, -EBUSY, "'%s' is not still for a moment", dir);
        err_clear(err);
        clock_sleep_ms(call->clock, LOCK_LOOK_MS);
    }
}

static int own_load(struct cmd_call *call, struct own *ret, struct err *err)
{
    int r = context_path(call, ret->path, err);

    if (r == 0)
        r = own_lock(call, ret, err);
    if (r == 0)
        r = conf_new(&ret->conf, err);
    return r == 0 ? load_optional(ret->conf, ret->path, err) : r;
}

/* -- reading ------------------------------------------------------------------ */

int context_section(const char *name, char out[static CONTEXT_SECTION_MAX], struct err *err)
{
    if (!text_is_name(name) || strlen(name) > CONTEXT_NAME_MAX)
        return err_set_gw(err, GW_BAD_NAME, -EINVAL, "'%s' cannot be the name of a context", name);
    return text_print(out, CONTEXT_SECTION_MAX, "context.%s", name);
}

const char *context_name(struct cmd_call *call, const struct conf *conf)
{
    const char *name = opt_text(call->opts, "context");

    if (!name)
        name = getenv("GODWIT_CONTEXT");
    return name ? name : conf_get(conf, "cli", "context", "default");
}

/* 64 hex digits or base64url, as tokens have it. */
static int parse_pin(const char *text, struct context *ret, struct err *err)
{
    size_t len = 0;

    ret->has_pin = false;
    if (!text || !text[0])
        return 0;
    if (strlen(text) == 2 * sizeof(ret->pin) && text_unhex(text, ret->pin, sizeof(ret->pin)) == 0)
        len = sizeof(ret->pin);
    else if (crypto_unb64url(text, ret->pin, sizeof(ret->pin), &len) < 0)
        len = 0;
    if (len != sizeof(ret->pin))
        return err_set_gw(err, GW_BAD_CONFIG, -EINVAL, "'%s' is not a ca_pin", text);
    ret->has_pin = true;
    return 0;
}

static int fill(struct context *ret, const char *const values[static 4], struct err *err)
{
    int r = text_copy(ret->server, sizeof(ret->server), values[0] ? values[0] : "");

    if (r == 0)
        r = text_copy(ret->ca_file, sizeof(ret->ca_file), values[1] ? values[1] : "");
    if (r == 0)
        r = text_copy(ret->token_ref, sizeof(ret->token_ref), values[3] ? values[3] : "");
    if (r < 0)
        return err_set_gw(err, GW_BAD_CONFIG, r, "a value of the context is too long");
    if (!text_starts(ret->server, "https://"))
        return err_set_gw(err, GW_BAD_CONFIG, -EINVAL,
                          "the planner's address '%s' does not begin with https://", ret->server);
    return parse_pin(values[2], ret, err);
}

int context_find(struct cmd_call *call, struct context *ret, struct err *err)
{
    auto_conf struct conf *conf = NULL;
    const char *values[4], *server = opt_text(call->opts, "server"), *name;
    char section[CONTEXT_SECTION_MAX];
    int r = context_conf(call, &conf, err);

    if (r < 0)
        return r;
    name = context_name(call, conf);
    r = context_section(name, section, err);
    if (r < 0)
        return r;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        values[i] = conf_get(conf, section, keys[i], NULL);
    if (!server)
        server = getenv("GODWIT_SERVER");
    if (server)
        values[0] = server;
    if (getenv("GODWIT_TOKEN_FILE"))
        values[3] = getenv("GODWIT_TOKEN_FILE");
    if (!values[0])
        return err_set_gw(err, GW_NO_CONTEXT, -ENOENT, "no planner is configured (context '%s')",
                          name);
    return fill(ret, values, err);
}

int context_of_client(const struct js *client, struct context *ret, struct err *err)
{
    const char *values[4];

    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        values[i] = js_str(client, keys[i], NULL);
    if (!values[0])
        return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "the client file names no server");
    return fill(ret, values, err);
}

/* -- writing ------------------------------------------------------------------- */

/* A context belongs to one planner: its address may change, or its CA's place, but not both. */
static int check_planner(const struct conf *conf, const char *name, const struct js *client,
                         struct err *err)
{
    char section[CONTEXT_SECTION_MAX];
    const char *server, *ca;
    int r = context_section(name, section, err);

    if (r < 0)
        return r;
    server = conf_get(conf, section, "server", NULL);
    ca = conf_get(conf, section, "ca_file", NULL);
    if (!server || text_equal(server, js_str(client, "server", NULL)) ||
        (ca && text_equal(ca, js_str(client, "ca_file", NULL))))
        return 0;
    return err_set_gw(err, GW_BAD_CONFIG, -EEXIST,
                      "the context '%s' is of another planner, %s: choose another name, or: godwit "
                      "context rm %s",
                      name, server, name);
}

int context_check(struct cmd_call *call, const char *name, const struct js *client, struct err *err)
{
    auto_conf struct conf *conf = NULL;
    int r = context_conf(call, &conf, err);

    /* A file that is named and not there yet will be made. */
    if (r == -ENOENT && given_path(call)) {
        err_clear(err);
        return 0;
    }
    return r == 0 ? check_planner(conf, name, client, err) : r;
}

int context_save(struct cmd_call *call, const char *name, const struct js *client,
                 enum context_flags flags, struct err *err)
{
    auto_own struct own own = {.lock = -1};
    char section[CONTEXT_SECTION_MAX];
    int r = context_section(name, section, err);

    if (r == 0)
        r = own_load(call, &own, err);
    if (r == 0)
        r = check_planner(own.conf, name, client, err);
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(keys); i++)
        r = conf_set(own.conf, section, keys[i], js_str(client, keys[i], NULL), err);
    if (r == 0 && (flags & CONTEXT_MAKE_DEFAULT || !conf_get(own.conf, "cli", "context", NULL)))
        r = conf_set(own.conf, "cli", "context", name, err);
    return r != 0 ? r : conf_save(own.conf, own.path, err);
}

struct has {
    const char *section;
    bool found;
};

static int has_section(void *arg, const char *section, const char *key, const char *value,
                       const char *origin)
{
    struct has *has = arg;

    (void)key;
    (void)value;
    (void)origin;
    has->found |= text_equal(section, has->section);
    return 0;
}

int context_use(struct cmd_call *call, const char *name, struct err *err)
{
    auto_conf struct conf *all = NULL;
    auto_own struct own own = {.lock = -1};
    char section[CONTEXT_SECTION_MAX];
    struct has has = {.section = section};
    int r = context_section(name, section, err);

    if (r == 0)
        r = context_conf(call, &all, err);
    if (r < 0)
        return r;
    (void)conf_each(all, has_section, &has);
    if (!has.found)
        return err_set_gw(err, GW_NOT_FOUND, -ENOENT, "there is no context '%s'", name);
    r = own_load(call, &own, err);
    if (r == 0)
        r = conf_set(own.conf, "cli", "context", name, err);
    return r != 0 ? r : conf_save(own.conf, own.path, err);
}

/* A file of nothing goes, and our own directory with it when that is empty. */
static int remove_own(struct cmd_call *call, const char *path, struct err *err)
{
    char dir[PATH_MAX];
    int r = fd_unlink(path, err);

    if (r == 0 && !given_path(call) && fd_xdg("config", dir, sizeof(dir), NULL) == 0)
        (void)rmdir(dir);
    return r;
}

/* Nothing but blank lines: whoever has comments in it keeps them. */
static bool is_blank(const char *path)
{
    auto_buf struct buf text = {0};
    const char *words = fd_load(path, OWN_FILE_MAX, &text, NULL) < 0 ? NULL : buf_cstr(&text);

    return words && !words[strspn(words, " \t\r\n")];
}

int context_remove(struct cmd_call *call, const char *name, struct err *err)
{
    auto_own struct own own = {.lock = -1};
    char section[CONTEXT_SECTION_MAX];
    struct has has = {.section = section};
    int r = context_section(name, section, err);

    if (r == 0)
        r = own_load(call, &own, err);
    if (r < 0)
        return r;
    (void)conf_each(own.conf, has_section, &has);
    if (!has.found)
        return err_set_gw(err, GW_NOT_FOUND, -ENOENT, "'%s' has no context '%s'", own.path, name);
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(keys); i++)
        r = conf_set(own.conf, section, keys[i], NULL, err);
    if (r == 0 && text_equal(conf_get(own.conf, "cli", "context", NULL), name))
        r = conf_set(own.conf, "cli", "context", NULL, err);
    if (r == 0)
        r = conf_save(own.conf, own.path, err);
    return r == 0 && is_blank(own.path) ? remove_own(call, own.path, err) : r;
}
