/* SPDX-License-Identifier: Apache-2.0 */
/* From words to a vault: URL, key, credentials, limit. */
#include "cli/replica_arg.h"

#include "base/auto.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/replica_limit.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/banned.h"

static int bad(struct err *err, const char *text, const char *why)
{
    return err_set_gw(
        err, GW_BAD_VALUE, -EINVAL,
        "'%s': %s; a replica is STORE/NAME, as file:///backup/web or s3://bucket/idc1/web", text,
        why);
}

/* Cut "@12" off the end of name. */
static int cut_point(char *name, uint64_t *ret_seq, struct err *err)
{
    char *at = strrchr(name, '@');

    *ret_seq = 0;
    if (!at)
        return 0;
    *at = '\0';
    return num_parse_u64(at + 1, 1, INT64_MAX, ret_seq, err);
}

/* Where the name begins: behind two slashes, else behind the last one. */
static char *find_name(char *url)
{
    char *scheme = strstr(url, ":");
    char *after = scheme ? scheme + 1 : url;
    char *two;

    while (*after == '/')
        after++;
    two = strstr(after, "//");
    if (two) {
        *two = '\0';
        return two + 2;
    }
    two = strrchr(after, '/');
    if (!two) { /* mem:NAME and the like have no place for a replica */
        return NULL;
    }
    *two = '\0';
    return two + 1;
}

int replica_arg_parse(const char *text, bool need_name, struct replica_arg *ret, struct err *err)
{
    struct replica_arg arg = {0};
    char *name;
    int r;

    if (text_copy(arg.url, sizeof(arg.url), text) < 0)
        return bad(err, "…", "too long");
    if (!strchr(text, ':'))
        return bad(err, text, "it names no store");
    if (!need_name) {
        *ret = arg;
        return 0;
    }
    name = find_name(arg.url);
    if (!name || !*name)
        return bad(err, text, "it names no replica");
    r = cut_point(name, &arg.seq, err);
    if (r < 0)
        return err_add(err, r, "the point of '%s'", text);
    if (!vault_is_replica_name(name) || text_copy(arg.name, sizeof(arg.name), name) < 0)
        return bad(err, text, "the replica's name may have letters, digits, '.', '_' and '-'");
    *ret = arg;
    return 0;
}

int replica_arg_key_path(char *out, size_t size, struct err *err)
{
    char dir[512];
    int r = fd_xdg("config", dir, sizeof(dir), err);

    if (r == 0)
        r = fd_mkdirs(dir, 0700, err);
    return r < 0 ? r : text_print(out, size, "%s/vault.key", dir);
}

int replica_arg_key_ref(const struct cmd_call *call, char *out, size_t size, struct err *err)
{
    const char *ref = opt_text(call->opts, "key-file");

    if (!ref)
        ref = getenv("GODWIT_STORE_KEY");
    if (!ref)
        return replica_arg_key_path(out, size, err);
    return text_copy(out, size, ref) < 0
               ? err_set_gw(err, GW_BAD_VALUE, -ENAMETOOLONG, "--key-file is too long")
               : 0;
}

/* A key is made with its vault only: beside a vault that is there it would be a wrong one. */
static int make_key(struct cmd_call *call, const struct vault_conf *conf, const char *path,
                    uint8_t *key, struct err *err)
{
    auto_vault struct vault *vault = NULL;
    struct vault_conf look = *conf;
    int r;

    look.key = NULL;
    look.create = false;
    r = vault_open(&look, &vault, err);
    if (r == 0)
        return err_set_gw(err, GW_VAULT_PLAIN, -EINVAL, "the vault is not encrypted");
    if (r != -ENOENT)
        return r; /* -EKEYREJECTED: it is there, and encrypted */
    err_clear(err);
    r = vault_key_create(path, call->rng, key, err);
    if (r == 0)
        fprintf(stderr,
                "A vault key was made: %s\nKeep a copy elsewhere: without it nothing can be "
                "read.\n",
                path);
    return r;
}

static int load_key(struct cmd_call *call, const struct vault_conf *conf, uint8_t *key,
                    struct err *err)
{
    const char *ref = opt_text(call->opts, "key-file");
    char path[600];
    int r;

    if (!ref)
        ref = getenv("GODWIT_STORE_KEY");
    if (ref)
        return vault_key_load(ref, key, err);
    r = replica_arg_key_path(path, sizeof(path), err);
    if (r < 0)
        return r;
    if (conf->create && access(path, F_OK) < 0) {
        r = make_key(call, conf, path, key, err);
        if (r != -EEXIST && r != -EKEYREJECTED)
            return r;
    }
    if (access(path, F_OK) < 0 && errno == ENOENT)
        return err_set_gw(err, GW_VAULT_KEY, -ENOENT, "there is none in '%s'", path);
    return vault_key_load(path, key, err);
}

/* --streams auto|N */
static int parse_streams(const char *text, unsigned *ret, struct err *err)
{
    uint64_t streams = 0;
    int r = 0;

    if (!text_equal(text, "auto"))
        r = num_parse_u64(text, 1, STORE_STREAMS_MAX, &streams, err);
    if (r < 0)
        return err_add(err, r, "--streams");
    *ret = (unsigned)streams;
    return 0;
}

int replica_arg_store(struct cmd_call *call, struct replica_arg *arg, const atomic_bool *stop,
                      struct store_conf *ret, struct err *err)
{
    const struct opt_set *opts = call->opts;
    const char *limit = opt_text(opts, "limit");
    struct store_conf conf = {
        .url = arg->url,
        .endpoint = opt_text(opts, "endpoint"),
        .region = opt_text(opts, "region"),
        .profile = opt_text(opts, "profile"),
        .ca_file = opt_text(opts, "ca-file"),
        .path_style = opt_given(opts, "path-style") ? (int)opt_switch(opts, "path-style") : -1,
        .stop = stop,
    };
    int r = parse_streams(opt_text(opts, "streams"), &conf.streams, err);

    if (r == 0 && limit)
        r = replica_limit_new(limit, call->clock, &arg->limit, err);
    if (r < 0)
        return r;
    conf.rate = replica_limit_rate(arg->limit);
    *ret = conf;
    return 0;
}

/* Before anything else is in the vault that its key alone opens. */
static int keep_key(struct replica_arg *arg, struct vault *vault, const uint8_t *key,
                    struct err *err)
{
    if (!arg->recipients)
        return 0;
    return escrow_put(vault, key, arg->recipients, arg->escrow, &arg->escrow_new,
                      &arg->escrow_object, err);
}

int replica_arg_open(struct cmd_call *call, struct replica_arg *arg, bool create,
                     const atomic_bool *stop, struct vault **ret, struct err *err)
{
    bool plain = opt_switch(call->opts, "no-encrypt");
    auto_vault struct vault *vault = NULL;
    struct vault_conf conf = {.create = create};
    uint8_t key[CRYPTO_KEY_LEN];
    int r = replica_arg_store(call, arg, stop, &conf.store, err);

    if (r == 0 && plain && arg->recipients)
        r = err_set_gw(err, GW_USAGE, -EINVAL, "with --no-encrypt there is no key to keep");
    if (r == 0 && !plain) {
        r = load_key(call, &conf, key, err);
        conf.key = key;
        if (r < 0)
            r = err_add(err, r, "the vault's key");
    }
    if (r == 0)
        r = vault_open(&conf, &vault, err);
    if (r == 0)
        r = keep_key(arg, vault, key, err);
    if (r == 0)
        *ret = TAKE(vault);
    crypto_wipe(key, sizeof(key));
    return r;
}

void replica_arg_done(struct replica_arg *arg)
{
    replica_limit_free(arg->limit);
    arg->limit = NULL;
    buf_done(&arg->escrow_object);
}

int replica_arg_state_dir(const struct cmd_call *call, const struct replica_arg *arg,
                          const char *volume, char *out, struct err *err)
{
    const char *given = opt_text(call->opts, "state-dir");
    auto_free char *real = realpath(volume, NULL);
    char id[3 * REPLICA_ARG_URL_MAX], dir[512], hex[2 * CRYPTO_SHA256_LEN + 1];
    uint8_t hash[CRYPTO_SHA256_LEN];
    int r;

    if (given)
        return text_copy(out, REPLICA_ARG_PATH_MAX, given);
    r = fd_xdg("state", dir, sizeof(dir), err);
    if (r < 0)
        return r;
    r = text_print(id, sizeof(id), "%s\n%s\n%s", arg->url, arg->name, real ? real : volume);
    if (r < 0)
        return err_set_gw(err, GW_BAD_VALUE, r, "'%s': %m", volume);
    crypto_sha256(slice_str(id), hash);
    text_hex(hash, 8, hex);
    return text_print(out, REPLICA_ARG_PATH_MAX, "%s/replica/%s", dir, hex);
}

enum replica_snapshot replica_arg_snapshot(const struct opt_set *opts)
{
    const char *when = opt_text(opts, "snapshot");

    if (text_equal(when, "always"))
        return REPLICA_SNAPSHOT_ALWAYS;
    return text_equal(when, "never") ? REPLICA_SNAPSHOT_NEVER : REPLICA_SNAPSHOT_AUTO;
}
