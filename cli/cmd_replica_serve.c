/* SPDX-License-Identifier: Apache-2.0 */
/*
 * godwit replica serve: checks what can be checked, listens, says where, and becomes nbdkit with
 * our plugin. The socket is handed over as systemd would (LISTEN_FDS), so nobody has to wait for
 * it.
 */
#include "base/auto.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/nbd_socket.h"
#include "cli/out.h"
#include "cli/program.h"
#include "cli/replica_arg.h"
#include "cli/replica_view.h"
#include "cli/verbs.h"
#include "transport/given_up.h"
#include "transport/unit_cache.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

#include "base/banned.h"

enum { ARGS_MAX = 32, TEXT_MAX = PATH_MAX + 32, ACTIVATED_FD = 3 };

const struct opt cmd_replica_serve_opts[] = {
    REPLICA_ARG_STORE_OPTIONS,
    {"socket", 0, OPT_TEXT, "PATH", NULL, 0, 0, NULL,
     "listen there (default: a socket in your runtime directory)"},
    {"port", 0, OPT_U64, "PORT", NULL, 0, 65535, NULL,
     "listen on this port of 127.0.0.1 instead; 0 takes a free one"},
    {"cache", 0, OPT_TEXT, "DIR", NULL, 0, 0, NULL,
     "keep what was fetched there, sealed as in the vault"},
    {"cache-size", 0, OPT_BYTES, "SIZE", NULL, 32 << 20, 0, "1GiB", "how much to keep"},
    {"prefetch", 0, OPT_SWITCH, NULL, NULL, 0, 0, NULL,
     "fill the cache while serving, until all is in it or it is full"},
    {"cow", 0, OPT_SWITCH, NULL, NULL, 0, 0, NULL,
     "let clients write; what they write is gone when serving ends"},
    {0},
};

struct serving {
    struct replica_arg arg;
    struct vault *vault;
    struct replica_point point;
    char nbdkit[PATH_MAX];
    char plugin[PATH_MAX];
    char key[PATH_MAX];
    char uri[NBD_SOCKET_URI_MAX];
    char socket[PATH_MAX]; /* that we made, or "" */
    int fd;
    /* the command line of nbdkit */
    char *argv[ARGS_MAX + 1];
    size_t argc;
};

static int add_arg(struct serving *s, const char *key, const char *value, struct err *err)
{
    char text[TEXT_MAX];

    if (!value)
        return 0;
    if (s->argc == ARGS_MAX || text_print(text, sizeof(text), "%s%s", key, value) < 0)
        return err_set_gw(err, GW_BAD_VALUE, -E2BIG, "'%s' is too long", key);
    s->argv[s->argc] = strdup(text);
    if (!s->argv[s->argc])
        return err_set(err, -ENOMEM, "start nbdkit: %m");
    s->argc++;
    return 0;
}

static int add_number(struct serving *s, const char *key, uint64_t n, struct err *err)
{
    char text[NUM_TEXT_MAX];

    text_print(text, sizeof(text), "%llu", (unsigned long long)n);
    return add_arg(s, key, text, err);
}

static int add_server(struct serving *s, const struct opt_set *opts, struct err *err)
{
    int r = add_arg(s, s->nbdkit, "", err);

    if (r == 0)
        r = add_arg(s, "--foreground", "", err);
    if (r == 0)
        r = opt_switch(opts, "cow") ? add_arg(s, "--filter=", "cow", err)
                                    : add_arg(s, "--readonly", "", err);
    return r < 0 ? r : add_arg(s, s->plugin, "", err);
}

static int add_vault(struct serving *s, const struct opt_set *opts, struct err *err)
{
    static const char *const texts[] = {"endpoint", "region", "profile", "ca-file", "limit"};
    char key[32];
    int r = add_arg(s, "store=", s->arg.url, err);

    if (r == 0)
        r = add_arg(s, "replica=", s->arg.name, err);
    if (r == 0)
        r = add_number(s, "point=", s->point.seq, err);
    if (r == 0)
        r = opt_switch(opts, "no-encrypt") ? add_arg(s, "no-encrypt=", "true", err)
                                           : add_arg(s, "key-file=", s->key, err);
    for (size_t i = 0; r == 0 && i < ARRAY_LEN(texts); i++) {
        text_print(key, sizeof(key), "%s=", texts[i]);
        r = add_arg(s, key, opt_text(opts, texts[i]), err);
    }
    if (r == 0 && !text_equal(opt_text(opts, "streams"), "auto"))
        r = add_arg(s, "streams=", opt_text(opts, "streams"), err);
    if (r == 0 && opt_given(opts, "path-style"))
        r = add_arg(s, "path-style=", opt_switch(opts, "path-style") ? "true" : "false", err);
    return r;
}

static int add_cache(struct serving *s, const struct opt_set *opts, struct err *err)
{
    int r;

    if (!opt_text(opts, "cache"))
        return 0;
    r = add_arg(s, "cache=", opt_text(opts, "cache"), err);
    if (r == 0)
        r = add_number(s, "cache-size=", opt_u64(opts, "cache-size"), err);
    if (r == 0 && opt_switch(opts, "prefetch"))
        r = add_arg(s, "prefetch=", "true", err);
    return r;
}

/* A wrong key, a missing point, a cache in use and their like are told as every other verb tells
 * them. */
static int look(struct cmd_call *call, struct serving *s, struct err *err)
{
    struct unit_cache *cache = NULL;
    int r = replica_arg_open(call, &s->arg, false, NULL, &s->vault, err);

    if (r == 0)
        r = replica_point(s->vault, s->arg.name, s->arg.seq, 0, &s->point, err);
    if (r == 0) /* what is there today may be gone while it is read */
        r = given_up_say(s->vault, s->arg.name, s->point.seq, "and its packs go one day", err);
    if (r == 0 && opt_text(call->opts, "cache"))
        r = unit_cache_open(opt_text(call->opts, "cache"), opt_u64(call->opts, "cache-size"),
                            &cache, err);
    unit_cache_close(cache);
    if (r == 0 && !opt_switch(call->opts, "no-encrypt"))
        r = replica_arg_key_ref(call, s->key, sizeof(s->key), err);
    return r;
}

/* "shop/data" point 12 -> "shop-data@12.sock". */
static int default_socket(const struct serving *s, char *out, size_t size, struct err *err)
{
    char name[VAULT_REPLICA_NAME_MAX + 1];
    char dir[512];
    int r = fd_xdg("runtime", dir, sizeof(dir), err);

    if (r == 0)
        r = fd_mkdirs(dir, 0700, err);
    if (r < 0)
        return r;
    r = text_copy(name, sizeof(name), s->arg.name);
    for (char *c = name; r == 0 && *c; c++)
        *c = *c == '/' ? '-' : *c;
    if (r == 0)
        r = text_print(out, size, "%s/%s@%llu.sock", dir, name, (unsigned long long)s->point.seq);
    return r < 0 ? err_set(err, r, "the socket: %m") : 0;
}

static int listen_somewhere(struct cmd_call *call, struct serving *s, struct err *err)
{
    const char *path = opt_text(call->opts, "socket");
    int r;

    if (opt_given(call->opts, "port"))
        return nbd_socket_tcp((uint16_t)opt_u64(call->opts, "port"), &s->fd, s->uri, err);
    r = path ? text_copy(s->socket, sizeof(s->socket), path)
             : default_socket(s, s->socket, sizeof(s->socket), err);
    if (r == 0)
        r = nbd_socket_unix(s->socket, &s->fd, s->uri, err);
    if (r < 0)
        s->socket[0] = '\0'; /* it is not ours to remove */
    return r < 0 ? r : add_arg(s, "socket=", s->socket, err);
}

static int view_serve(struct out *o, const struct js *doc, struct table *t, struct err *err)
{
    const struct js *point = js_member(doc, "point");
    char size[NUM_TEXT_MAX];

    (void)t;
    (void)err;
    out_bytes(o, js_u64(point, "size_bytes", 0), size);
    out_text(o, "%s@%llu (%s) is served at %s; Ctrl-C ends it", js_str(doc, "replica", ""),
             (unsigned long long)js_u64(point, "seq", 0), size, js_str(doc, "uri", ""));
    replica_view_say_unreadable(o, point);
    return 0;
}

static int report(struct cmd_call *call, const struct serving *s, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    auto_js struct js *doc = NULL;
    int r = jsw_new(&w, err);

    if (r < 0)
        return r;
    jsw_document(w, "godwit.replica-serve/1", clock_wall_ms(call->clock));
    jsw_str(w, "replica", s->arg.name);
    jsw_str(w, "store", s->arg.url);
    jsw_str(w, "uri", s->uri);
    jsw_u64(w, "pid", (uint64_t)getpid()); /* exec keeps it */
    jsw_obj(w, "point");
    replica_view_write_point(w, &s->point);
    r = replica_view_write_unreadable(w, s->vault, s->arg.name, &s->point, err);
    jsw_end(w);
    jsw_end(w);
    if (r == 0)
        r = jsw_take(w, &doc, err);
    /* This process becomes another: it has no result of its own. */
    return r < 0 ? r : out_event(call->out, doc, view_serve, err);
}

/* Returns only when it failed. */
static int become_nbdkit(struct serving *s, struct err *err)
{
    char pid[NUM_TEXT_MAX];

    text_print(pid, sizeof(pid), "%ld", (long)getpid());
    if (s->fd == ACTIVATED_FD ? fcntl(s->fd, F_SETFD, 0) < 0 : dup2(s->fd, ACTIVATED_FD) < 0)
        return err_set(err, -errno, "hand the socket to nbdkit: %m");
    if (setenv("LISTEN_FDS", "1", 1) < 0 || setenv("LISTEN_PID", pid, 1) < 0)
        return err_set(err, -errno, "start nbdkit: %m");
    fflush(stdout);
    execv(s->nbdkit, s->argv);
    return err_set(err, -errno, "start '%s': %m", s->nbdkit);
}

static int prepare(struct cmd_call *call, struct serving *s, struct err *err)
{
    const char *limit = opt_given(call->opts, "limit") ? opt_text(call->opts, "limit") : "";
    int r = replica_arg_parse(cmd_arg(call, 0), true, &s->arg, err);

    if (r == 0 && opt_given(call->opts, "port") && opt_text(call->opts, "socket"))
        r = err_set_gw(err, GW_USAGE, -EINVAL, "--socket and --port are two places; choose one");
    if (r == 0 && opt_switch(call->opts, "prefetch") && !opt_text(call->opts, "cache"))
        r = err_set_gw(err, GW_USAGE, -EINVAL, "--prefetch needs a --cache to put it");
    if (r == 0 && text_starts(limit, "file:"))
        r = err_set_gw(err, GW_USAGE, -EINVAL, "serve takes a rate or a timetable, no file of one");
    if (r == 0)
        r = program_find_tool("nbdkit", "serving a replica", "nbdkit", s->nbdkit, err);
    if (r == 0)
        r = program_find("nbdkit-godwit-plugin.so", GODWIT_PKGLIBEXECDIR, s->plugin, err);
    if (r == 0)
        r = look(call, s, err);
    if (r == 0)
        r = add_server(s, call->opts, err);
    if (r == 0)
        r = add_vault(s, call->opts, err);
    return r < 0 ? r : add_cache(s, call->opts, err);
}

int cmd_replica_serve(struct cmd_call *call, struct err *err)
{
    struct serving s = {.fd = -1};
    int r = prepare(call, &s, err);

    if (r == 0)
        r = listen_somewhere(call, &s, err);
    if (r == 0)
        r = report(call, &s, err);
    if (r == 0)
        r = become_nbdkit(&s, err);
    vault_close(s.vault);
    replica_arg_done(&s.arg);
    if (s.socket[0]) /* nobody became its server */
        unlink(s.socket);
    for (size_t i = 0; i < s.argc; i++)
        free(s.argv[i]);
    if (s.fd >= 0)
        close(s.fd);
    return cmd_exit(err);
}
