/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Assignments from workloads. While a switch is open (frozen) they stay what they were before: what
 * changes then goes by orders alone, which carry the new epoch.
 */
#include "planner/service/agent_config.h"

#include "base/crypto.h"
#include "base/text.h"
#include "planner/service/db_host.h"
#include "planner/service/db_workload.h"
#include "planner/service/host.h"
#include "planner/service/service_own.h"

#include "base/banned.h"

static void write_list(struct jsw *w, const char *key, const struct js *list)
{
    if (list)
        jsw_js(w, key, list);
    else {
        jsw_arr(w, key);
        jsw_end(w);
    }
}

static void write_hooks(struct jsw *w, const struct workload *load, enum workload_side side)
{
    const struct js *own = js_member(load->hooks, workload_side_name(side));
    const struct js *traffic = js_member(load->hooks, "traffic");

    jsw_obj(w, "hooks");
    write_list(w, "start", js_member(own, "start"));
    write_list(w, "stop", js_member(own, "stop"));
    write_list(w, "freeze", js_member(load->hooks, "freeze"));
    write_list(w, "thaw", js_member(load->hooks, "thaw"));
    jsw_obj(w, "traffic");
    write_list(w, "to_target", js_member(traffic, "to_target"));
    write_list(w, "to_source", js_member(traffic, "to_source"));
    jsw_end(w);
    write_list(w, "health", load->health);
    jsw_end(w);
}

static void write_volumes(struct jsw *w, const char *identity, const struct workload *load,
                          enum workload_side side)
{
    jsw_arr(w, "volumes");
    for (size_t i = 0; i < load->volumes_n; i++) {
        const struct workload_volume *v = &load->volumes[i];

        if (!text_equal(v->at[side].identity, identity))
            continue;
        jsw_obj(w, NULL);
        jsw_str(w, "name", v->name);
        jsw_str(w, "replica", v->replica);
        jsw_str(w, "device", v->at[side].device);
        jsw_str(w, "mount", v->at[side].mount);
        if (v->at[side].shrink)
            jsw_bool(w, "shrink", true);
        if (v->at[side].overwrite)
            jsw_bool(w, "overwrite", true);
        if (v->interval_s > 0 && load->control.interval_s < 0)
            jsw_u64(w, "interval_s", v->interval_s);
        if (v->target_lag_s > 0)
            jsw_u64(w, "target_lag_s", v->target_lag_s);
        jsw_end(w);
    }
    jsw_end(w);
}

static uint64_t chosen(int64_t control, uint64_t document)
{
    return control < 0 ? document : (uint64_t)control;
}

/* Until its plan is applied an agent only says how large the volumes are. */
static const char *role_of(const struct workload *load, enum workload_side side, uint64_t now_ms)
{
    if (!workload_is_applied(load, now_ms))
        return "idle";
    return side == load->holder ? "push" : "follow";
}

static void write_assignment(struct jsw *w, const char *identity, const struct workload *load,
                             enum workload_side side, uint64_t now_ms)
{
    jsw_obj(w, NULL);
    jsw_str(w, "workload", load->name);
    jsw_str(w, "side", workload_side_name(side));
    jsw_u64(w, "epoch", load->settled_epoch);
    jsw_str(w, "role", role_of(load, side, now_ms));
    jsw_u64(w, "interval_s", chosen(load->control.interval_s, load->limits.interval_s));
    if (load->limits.target_lag_s > 0)
        jsw_u64(w, "target_lag_s", load->limits.target_lag_s);
    jsw_u64(w, "rate_bytes_per_s",
            chosen(load->control.rate_bytes_per_s, load->limits.rate_bytes_per_s));
    if (load->control.rate_table[0])
        jsw_str(w, "rate_table", load->control.rate_table);
    jsw_bool(w, "paused", load->control.paused);
    jsw_u64(w, "self_abort_s", load->limits.self_abort_s);
    jsw_u64(w, "consistent_s", load->limits.consistent_s);
    jsw_f64(w, "freeze_s", (double)load->limits.freeze_ms / 1000.0);
    jsw_u64(w, "compact_percent", load->limits.compact_percent);
    jsw_u64(w, "scrub_bytes_per_s", load->limits.scrub_bytes_per_s);
    write_hooks(w, load, side);
    write_volumes(w, identity, load, side);
    jsw_end(w);
}

static void write_vault(struct jsw *w, const struct agent_config_vault *vault)
{
    if (!vault || !vault->url) {
        jsw_null(w, "vault");
        return;
    }
    jsw_obj(w, "vault");
    jsw_str(w, "url", vault->url);
    jsw_str(w, "key", vault->key);
    jsw_str(w, "region", vault->region);
    jsw_str(w, "endpoint", vault->endpoint);
    jsw_end(w);
}

static bool is_named(const struct workload *load, enum workload_side side, const char *identity)
{
    if (load->released)
        return false;
    for (size_t i = 0; i < load->hosts_n[side]; i++)
        if (text_equal(load->hosts[side][i].identity, identity))
            return true;
    return false;
}

static bool is_assigned(const struct workload *load, enum workload_side side, const char *identity,
                        uint64_t now_ms)
{
    return workload_is_applied(load, now_ms) && is_named(load, side, identity);
}

/* Whoever has nothing to replicate has no need of the vault's key. */
static bool any_assigned(const char *identity, struct workload *const *workloads, size_t n,
                         uint64_t now_ms)
{
    for (size_t i = 0; i < n; i++)
        if (is_assigned(workloads[i], WORKLOAD_SOURCE, identity, now_ms) ||
            is_assigned(workloads[i], WORKLOAD_TARGET, identity, now_ms))
            return true;
    return false;
}

void agent_config_write(const char *identity, const struct agent_config_vault *vault,
                        struct workload *const *workloads, size_t n, uint64_t now_ms, struct jsw *w)
{
    jsw_obj(w, NULL);
    write_vault(w, any_assigned(identity, workloads, n, now_ms) ? vault : NULL);
    jsw_arr(w, "assignments");
    for (size_t i = 0; i < n; i++)
        for (int side = 0; side < 2; side++)
            if (is_named(workloads[i], (enum workload_side)side, identity))
                write_assignment(w, identity, workloads[i], (enum workload_side)side, now_ms);
    jsw_end(w);
    jsw_end(w);
}

/* -- from the database ---------------------------------------------------- */

enum { HOST_WORKLOADS_MAX = 1000 };

struct collected {
    struct service *service;
    struct workload **workloads;
    size_t n;
    struct err *err;
};

static int collect_one(void *arg, const char *name)
{
    struct collected *c = arg;
    int r;

    r = workload_load(c->service, name, &c->workloads[c->n], c->err);
    if (r == 0)
        c->n++;
    return r;
}

static void collected_done(struct collected *c)
{
    for (size_t i = 0; i < c->n; i++)
        workload_free(c->workloads[i]);
    free(c->workloads);
}

static int build(struct service *svc, const char *identity, const struct collected *c,
                 struct js **ret, struct err *err)
{
    const struct agent_config_vault vault = {
        .url = svc->vault_url,
        .region = svc->vault_region,
        .endpoint = svc->vault_endpoint,
        .key = svc->vault_key ? buf_cstr(&svc->own->vault_key_text) : NULL,
    };
    auto_jsw struct jsw *w = NULL;
    int r;

    r = jsw_new(&w, err);
    if (r < 0)
        return r;
    agent_config_write(identity, &vault, c->workloads, c->n, clock_wall_ms(svc->clock), w);
    return jsw_take(w, ret, err);
}

static int hash_config(const struct js *config, char *out_hex, struct err *err)
{
    auto_buf struct buf text = {0};
    uint8_t hash[CRYPTO_SHA256_LEN];
    int r;

    r = js_print(config, true, false, &text, err);
    if (r < 0)
        return r;
    crypto_sha256(buf_slice(&text), hash);
    text_hex(hash, sizeof(hash), out_hex);
    crypto_wipe(text.data, text.len);
    return 0;
}

int agent_config_load(struct service *svc, const char *identity, struct js **ret,
                      uint64_t *ret_version, struct err *err)
{
    struct collected c = {.service = svc, .err = err};
    auto_js struct js *config = NULL;
    char hash[2 * CRYPTO_SHA256_LEN + 1];
    struct host host;
    int r;

    c.workloads = calloc(HOST_WORKLOADS_MAX, sizeof(struct workload *));
    if (!c.workloads)
        return err_set(err, -ENOMEM, "configuration of '%s': %m", identity);
    r = db_host_find(svc->db, "identity", identity, &host, err);
    if (r == 0)
        r = db_workload_each(svc->db, host.name, "", HOST_WORKLOADS_MAX, collect_one, &c, err);
    if (r == 0)
        r = build(svc, identity, &c, &config, err);
    if (r == 0)
        r = hash_config(config, hash, err);
    if (r == 0)
        r = db_host_config_version(svc->db, identity, hash, ret_version, err);
    if (r == 0)
        *ret = TAKE(config);
    collected_done(&c);
    return r;
}
