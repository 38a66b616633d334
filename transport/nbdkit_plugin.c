/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nbdkit plugin: a restore point as a read-only NBD export. A coat over serve.h: parameters in,
 * errors out, nothing in between. `godwit replica serve` starts nbdkit with it; docs/godwit.1.scd
 * tells its parameters.
 */
#include "base/err.h"
#include "base/num.h"
#include "base/text.h"
#include "transport/rate.h"
#include "transport/rate_table.h"
#include "transport/serve.h"
#include "transport/unit_cache.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include "base/banned.h"

#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

enum { TEXT_MAX = 1024, PREFERRED_BYTES = 64 * 1024 };
#define CACHE_BYTES_DEFAULT ((uint64_t)1 << 30)

/* nbdkit knows one plugin a process and hands its callbacks nothing: written before the first
 * connection, read after. */
static struct {
    char store[TEXT_MAX];
    char replica[VAULT_REPLICA_NAME_MAX + 1];
    char key_file[PATH_MAX];
    char endpoint[TEXT_MAX], region[TEXT_MAX], profile[TEXT_MAX], ca_file[PATH_MAX];
    char cache[PATH_MAX];
    char socket[PATH_MAX]; /* removed at the end, as long as it is the one that was there */
    struct stat socket_st;
    uint64_t point, cache_size, streams;
    struct rate_table limit;
    bool plain, path_style, path_style_given, prefetch;
    atomic_bool stop;
    struct rate *rate;
    struct vault *vault;
    struct unit_cache *units;
    struct serve *serve;
    struct replica_progress progress;
} plugin_state = {.cache_size = CACHE_BYTES_DEFAULT};

static int complain(const struct err *err, const char *what)
{
    nbdkit_error("godwit: %s%s", what, err->text);
    return -1;
}

/* -- parameters ----------------------------------------------------------------------------- */

static int set_text(char *out, size_t size, const char *key, const char *value)
{
    if (text_copy(out, size, value) == 0)
        return 0;
    nbdkit_error("godwit: %s is too long", key);
    return -1;
}

static int set_bool(bool *out, const char *value)
{
    int b = nbdkit_parse_bool(value);

    *out = b == 1;
    return b < 0 ? -1 : 0;
}

static int set_number(uint64_t *out, const char *key, const char *value)
{
    struct err err = {0};
    int rc;

    if (text_equal(key, "point"))
        rc = num_parse_u64(value, 1, INT64_MAX, out, &err);
    else if (text_equal(key, "streams"))
        rc = num_parse_u64(value, 0, STORE_STREAMS_MAX, out, &err);
    else
        rc = num_parse_bytes(value, out, &err);
    return rc < 0 ? complain(&err, "") : 0;
}

static int set_limit(const char *value)
{
    struct err err = {0};
    int rc = rate_table_parse(value, &plugin_state.limit, &err);

    if (rc == 0 && !plugin_state.rate)
        rc = rate_new(0, &clock_system, &plugin_state.rate, &err);
    if (rc == 0)
        rate_set_table(plugin_state.rate, &plugin_state.limit);
    return rc < 0 ? complain(&err, "") : 0;
}

static int plugin_config(const char *key, const char *value)
{
    const struct {
        const char *key;
        char *out;
        size_t size;
    } texts[] = {
        {"store", plugin_state.store, sizeof(plugin_state.store)},
        {"replica", plugin_state.replica, sizeof(plugin_state.replica)},
        {"key-file", plugin_state.key_file, sizeof(plugin_state.key_file)},
        {"endpoint", plugin_state.endpoint, sizeof(plugin_state.endpoint)},
        {"region", plugin_state.region, sizeof(plugin_state.region)},
        {"profile", plugin_state.profile, sizeof(plugin_state.profile)},
        {"ca-file", plugin_state.ca_file, sizeof(plugin_state.ca_file)},
        {"cache", plugin_state.cache, sizeof(plugin_state.cache)},
        {"socket", plugin_state.socket, sizeof(plugin_state.socket)},
    };
    const struct {
        const char *key;
        uint64_t *out;
    } numbers[] = {{"point", &plugin_state.point},
                   {"cache-size", &plugin_state.cache_size},
                   {"streams", &plugin_state.streams}};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (text_equal(key, texts[i].key))
            return set_text(texts[i].out, texts[i].size, key, value);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        if (text_equal(key, numbers[i].key))
            return set_number(numbers[i].out, key, value);
    if (text_equal(key, "limit"))
        return set_limit(value);
    plugin_state.path_style_given |= text_equal(key, "path-style");
    if (text_equal(key, "path-style"))
        return set_bool(&plugin_state.path_style, value);
    if (text_equal(key, "no-encrypt"))
        return set_bool(&plugin_state.plain, value);
    if (text_equal(key, "prefetch"))
        return set_bool(&plugin_state.prefetch, value);
    nbdkit_error("godwit: there is no parameter '%s'", key);
    return -1;
}

static int plugin_config_complete(void)
{
    if (!plugin_state.store[0] || !plugin_state.replica[0]) {
        nbdkit_error("godwit: store=URL and replica=NAME are needed");
        return -1;
    }
    if (!plugin_state.key_file[0] && !plugin_state.plain) {
        nbdkit_error(
            "godwit: key-file=REF is needed, or no-encrypt=true for a vault without a key");
        return -1;
    }
    if (plugin_state.prefetch && !plugin_state.cache[0]) {
        nbdkit_error("godwit: prefetch=true needs a cache=DIRECTORY to put it");
        return -1;
    }
    if (plugin_state.socket[0] && lstat(plugin_state.socket, &plugin_state.socket_st) < 0) {
        nbdkit_error("godwit: socket=%s: %m", plugin_state.socket);
        return -1;
    }
    return 0;
}

/* -- from parameters to a point -------------------------------------------------------------- */

static const char *or_null(const char *text)
{
    return text[0] ? text : NULL;
}

static int open_vault(struct err *err)
{
    uint8_t key[CRYPTO_KEY_LEN];
    struct vault_conf conf = {
        .store = {.url = plugin_state.store,
                  .endpoint = or_null(plugin_state.endpoint),
                  .region = or_null(plugin_state.region),
                  .profile = or_null(plugin_state.profile),
                  .ca_file = or_null(plugin_state.ca_file),
                  .path_style = plugin_state.path_style_given ? plugin_state.path_style : -1,
                  .streams = (unsigned)plugin_state.streams,
                  .rate = plugin_state.rate,
                  .stop = &plugin_state.stop},
        .key = plugin_state.plain ? NULL : key};
    int rc = plugin_state.plain ? 0 : vault_key_load(plugin_state.key_file, key, err);

    if (rc == 0)
        rc = vault_open(&conf, &plugin_state.vault, err);
    crypto_wipe(key, sizeof(key));
    return rc;
}

/* Before nbdkit goes into the background: what is wrong is said to whoever started it. */
static int plugin_get_ready(void)
{
    struct replica_point point;
    struct err err = {0};
    int rc = open_vault(&err);

    if (rc == 0)
        rc = replica_point(plugin_state.vault, plugin_state.replica, plugin_state.point, 0, &point,
                           &err);
    if (rc < 0)
        return complain(&err, "");
    plugin_state.point = point.seq;
    return 0;
}

static int plugin_after_fork(void)
{
    struct serve_conf conf = {.vault = plugin_state.vault,
                              .name = plugin_state.replica,
                              .seq = plugin_state.point,
                              .prefetch = plugin_state.prefetch,
                              .progress = &plugin_state.progress};
    struct err err = {0};
    int rc = 0;

    if (plugin_state.cache[0])
        rc =
            unit_cache_open(plugin_state.cache, plugin_state.cache_size, &plugin_state.units, &err);
    conf.cache = plugin_state.units;
    if (rc == 0)
        rc = serve_open(&conf, &plugin_state.serve, &err);
    return rc < 0 ? complain(&err, "") : 0;
}

static void plugin_cleanup(void)
{
    atomic_store(&plugin_state.stop, true);
    nbdkit_debug("godwit: %llu bytes came from the store",
                 (unsigned long long)atomic_load(&plugin_state.progress.received_bytes));
    serve_close(plugin_state.serve);
    unit_cache_close(plugin_state.units);
    vault_close(plugin_state.vault);
    rate_free(plugin_state.rate);
}

/* A server that was handed its socket leaves it, since it did not make it. */
static void plugin_unload(void)
{
    struct stat st;

    if (plugin_state.socket[0] && lstat(plugin_state.socket, &st) == 0 &&
        st.st_dev == plugin_state.socket_st.st_dev && st.st_ino == plugin_state.socket_st.st_ino)
        unlink(plugin_state.socket);
}

/* -- the export -------------------------------------------------------------------------------- */

static void *plugin_open(int readonly)
{
    (void)readonly;
    return NBDKIT_HANDLE_NOT_NEEDED;
}

static int64_t plugin_get_size(void *handle)
{
    (void)handle;
    return (int64_t)serve_point(plugin_state.serve)->size_bytes;
}

/* Nothing can be written, so all connections see the same. */
static int plugin_can_multi_conn(void *handle)
{
    (void)handle;
    return 1;
}

static int plugin_can_cache(void *handle)
{
    (void)handle;
    return NBDKIT_CACHE_NATIVE;
}

static int plugin_block_size(void *handle, uint32_t *minimum, uint32_t *preferred,
                             uint32_t *maximum)
{
    (void)handle;
    *minimum = 1;
    *preferred = PREFERRED_BYTES;
    *maximum = UINT32_MAX;
    return 0;
}

static int io_error(const struct err *err)
{
    nbdkit_error("godwit: %s", err->text);
    nbdkit_set_error(EIO);
    return -1;
}

static int plugin_pread(void *handle, void *buf, uint32_t count, uint64_t offset, uint32_t flags)
{
    struct err err = {0};
    struct err trouble = {0};

    (void)handle;
    (void)flags;
    if (serve_read(plugin_state.serve, offset, count, buf, &err) < 0)
        return io_error(&err);
    if (serve_trouble(plugin_state.serve, &trouble))
        nbdkit_error("godwit: %s", trouble.text);
    return 0;
}

static int plugin_cache(void *handle, uint32_t count, uint64_t offset, uint32_t flags)
{
    (void)handle;
    (void)flags;
    serve_hint(plugin_state.serve, offset, count);
    return 0;
}

static int add_extent(void *arg, uint64_t offset, uint64_t len, bool zero)
{
    return nbdkit_add_extent(arg, offset, len, zero ? NBDKIT_EXTENT_HOLE | NBDKIT_EXTENT_ZERO : 0);
}

static int plugin_extents(void *handle, uint32_t count, uint64_t offset, uint32_t flags,
                          struct nbdkit_extents *extents)
{
    struct err err = {0};
    int rc;

    (void)handle;
    (void)flags;
    rc = serve_extents(plugin_state.serve, offset, count, add_extent, extents, &err);
    if (rc < 0 && err.code < 0)
        return io_error(&err);
    return rc;
}

static struct nbdkit_plugin plugin = {
    .name = "godwit",
    .longname = "restore points of godwit",
    .version = PACKAGE_VERSION,
    .description = "a restore point of a replica, fetched as it is read",
    .config = plugin_config,
    .config_complete = plugin_config_complete,
    .config_help = "store=URL replica=NAME [point=N] key-file=REF|no-encrypt=true\n"
                   "[cache=DIRECTORY] [cache-size=SIZE] [prefetch=true] [limit=RATE] [streams=N] "
                   "[socket=PATH]\n"
                   "[endpoint=URL] [region=NAME] [profile=NAME] [ca-file=FILE] [path-style=BOOL]",
    .get_ready = plugin_get_ready,
    .after_fork = plugin_after_fork,
    .cleanup = plugin_cleanup,
    .unload = plugin_unload,
    .open = plugin_open,
    .get_size = plugin_get_size,
    .can_multi_conn = plugin_can_multi_conn,
    .can_cache = plugin_can_cache,
    .block_size = plugin_block_size,
    .pread = plugin_pread,
    .cache = plugin_cache,
    .extents = plugin_extents,
};

NBDKIT_REGISTER_PLUGIN(plugin)
