/* SPDX-License-Identifier: Apache-2.0 */
/* Putting the planner together: state directory, database, CA, vault key, listener. */
#include "base/crypto.h"
#include "base/fd.h"
#include "base/gw.h"
#include "base/num.h"
#include "base/secret.h"
#include "base/text.h"
#include "planner/service/api.h"
#include "planner/service/db_workload.h"
#include "planner/service/hub.h"
#include "planner/service/schema.h"
#include "planner/service/server_cert.h"
#include "planner/service/service_own.h"
#include "planner/service/store_watch.h"
#include "planner/service/sweep.h"
#include "planner/service/switch.h"
#include "planner/service/vaultq.h"
#include "planner/service/window.h"
#include "planner/service/workload.h"
#include "transport/vault.h"

#include <limits.h>
#include <sys/stat.h>

#include "base/banned.h"

enum {
    PEM_FILE_MAX = 64 * 1024,
    IDLE_TIMEOUT_S = 90, /* above the longest long poll */
    CONNECTIONS_MAX = 20000,
    BODY_SLACK = 4, /* bodies above SERVICE_BODY_MAX are told their size, far above only that */
};

int service_split_listen(const char *listen, char *out_address, size_t size, uint16_t *ret_port,
                         struct err *err)
{
    const char *colon = strrchr(listen, ':');
    const bool v6 = listen[0] == '[';
    size_t len = colon ? (size_t)(colon - listen) : 0;
    uint64_t port;

    if (!colon || len < (v6 ? 3U : 1U) || (v6 && listen[len - 1] != ']') ||
        num_parse_u64(colon + 1, 0, UINT16_MAX, &port, NULL) < 0 ||
        text_print(out_address, size, "%.*s", (int)(len - (v6 ? 2 : 0)), listen + v6) < 0)
        return err_set_gw(err, GW_BAD_VALUE, -EINVAL,
                          "'%s' is not ADDRESS:PORT (or [ADDRESS]:PORT)", listen);
    *ret_port = (uint16_t)port;
    return 0;
}

static int load_file(const char *dir, const char *name, struct buf *out, struct err *err)
{
    char path[PATH_MAX];
    int r;

    r = text_print(path, sizeof(path), "%s/%s", dir, name);
    return r < 0 ? err_set(err, r, "state directory: %m") : fd_load(path, PEM_FILE_MAX, out, err);
}

int service_load_ca(struct service_own *own, struct err *err)
{
    uint8_t pin[CERT_PIN_LEN];
    int r;

    r = load_file(own->conf.state_dir, "ca.pem", &own->ca_cert, err);
    if (r == -ENOENT)
        return err_set_gw(err, GW_BAD_CONFIG, -ENOENT,
                          "'%s' has no planner yet: godwitd --init --state-dir %s",
                          own->conf.state_dir, own->conf.state_dir);
    if (r == 0)
        r = load_file(own->conf.state_dir, "ca.key", &own->ca_key, err);
    if (r == 0)
        r = cert_pin(buf_slice(&own->ca_cert), pin, err);
    if (r == 0)
        crypto_b64url(pin, sizeof(pin), own->pin);
    return r;
}

/* Without it agents would make a vault that is not encrypted, or be refused by the one there is. */
static int load_vault_key(struct service_own *own, struct err *err)
{
    char path[PATH_MAX];
    const char *ref = own->conf.store_key;
    int r;

    if (!own->conf.store_url)
        return 0;
    r = text_print(path, sizeof(path), "%s/vault.key", own->conf.state_dir);
    if (r < 0)
        return err_set(err, r, "state directory: %m");
    if (!ref && access(path, F_OK) < 0)
        return err_set_gw(err, GW_VAULT_KEY, -ENOKEY, "the vault's key '%s' is gone: put it back",
                          path);
    r = secret_load(ref ? ref : path, &own->vault_key_text, err);
    if (r == 0)
        r = vault_key_parse(buf_cstr(&own->vault_key_text), own->vault_key, err);
    if (r < 0)
        return err_add(err, r, "vault key");
    own->service.vault_key = own->vault_key;
    return 0;
}

/* A planner with an empty database runs, and knows no host, workload or token. */
static int find_database(const char *path, struct err *err)
{
    struct stat st;
    const bool there = stat(path, &st) == 0;

    if (!there && errno != ENOENT)
        return err_set(err, -errno, "stat '%s': %m", path);
    if (there && st.st_size > 0)
        return 0;
    return err_set_gw(err, GW_DB_DAMAGED, -EUCLEAN,
                      "database '%s' is %s; only godwitd --init makes an empty one", path,
                      there ? "empty" : "gone");
}

static int open_database(struct service_own *own, struct err *err)
{
    char path[PATH_MAX];
    int r;

    r = text_print(path, sizeof(path), "%s/godwitd.db", own->conf.state_dir);
    if (r < 0)
        return err_set(err, r, "state directory: %m");
    if (!own->conf.make_database)
        r = find_database(path, err);
    return r < 0 ? r : db_open(path, schema_steps, schema_steps_n, &own->service.db, err);
}

static int lock_state(struct service_own *own, struct err *err)
{
    char path[PATH_MAX];
    int r;

    r = text_print(path, sizeof(path), "%s/lock", own->conf.state_dir);
    if (r == 0)
        r = fd_lock(path, &own->lock_fd, err);
    if (r == -EWOULDBLOCK)
        return err_set_gw(err, GW_IN_USE, r, "another godwitd has '%s'", own->conf.state_dir);
    return r;
}

static int open_parts(struct service_own *own, struct err *err)
{
    int r;

    r = service_load_ca(own, err);
    if (r == 0)
        r = lock_state(own, err);
    if (r == 0)
        r = load_vault_key(own, err);
    if (r == 0)
        r = open_database(own, err);
    return r;
}

int service_open(const struct service_conf *conf, struct service **ret, struct err *err)
{
    struct service_own *own = calloc(1, sizeof(*own));
    int r;

    if (!own)
        return err_set(err, -ENOMEM, "open the planner: %m");
    own->conf = *conf;
    own->lock_fd = -1;
    own->service = (struct service){
        .clock = &clock_system,
        .rng = &rng_system,
        .paths = {.state_dir = conf->state_dir},
        .vault_url = conf->store_url,
        .vault_region = conf->store_region,
        .vault_endpoint = conf->store_endpoint,
        .own = own,
    };
    own->started_ms = clock_wall_ms(own->service.clock);
    r = open_parts(own, err);
    if (r < 0) {
        service_close(&own->service);
        return r;
    }
    *ret = &own->service;
    return 0;
}

static int start_parts(struct service *svc, struct err *err)
{
    struct service_own *own = svc->own;
    int r;

    r = hub_new(svc, &svc->hub, err);
    if (r == 0 && svc->vault_url)
        r = vaultq_new(svc, &svc->vaultq, err);
    if (r == 0)
        r = switch_new(svc, &svc->switcher, err);
    if (r == 0 && svc->vault_url)
        r = store_watch_new(svc, &own->store_watch, err);
    if (r == 0)
        r = sweep_start(svc, &own->sweep, err);
    return r;
}

int service_listen(struct service *svc, struct err *err)
{
    struct service_own *own = svc->own;
    struct httpd_conf conf = {
        .address = own->address,
        .error = api_on_error,
        .max_body_bytes = BODY_SLACK * SERVICE_BODY_MAX,
        .timeout_s = IDLE_TIMEOUT_S,
        .max_connections = CONNECTIONS_MAX,
    };
    int r;

    r = service_split_listen(own->conf.listen, own->address, sizeof(own->address), &own->port, err);
    if (r == 0)
        r = server_cert_load(own, &own->tls, err);
    if (r == 0)
        r = start_parts(svc, err);
    if (r < 0)
        return r;
    conf.max_peer_connections = (unsigned)own->conf.peer_connections;
    conf.tls = own->tls;
    conf.port = own->port;
    r = httpd_new(svc->loop, &conf, api_on_request, svc, &own->httpd, err);
    if (r < 0)
        return err_add(err, r, "listen on %s", own->conf.listen);
    own->port = httpd_port(own->httpd);
    return switch_resume(svc->switcher, err);
}

uint16_t service_port(const struct service *svc)
{
    return svc->own->port;
}

void service_close(struct service *svc)
{
    struct service_own *own;

    if (!svc)
        return;
    own = svc->own;
    loop_timer_free(own->sweep);
    store_watch_free(own->store_watch);
    vaultq_free(svc->vaultq);
    switch_free(svc->switcher);
    httpd_free(own->httpd); /* tells the hub that its requests are gone */
    hub_free(svc->hub);
    cert_server_free(own->tls);
    window_forget(svc);
    db_close(svc->db);
    buf_done(&own->ca_cert);
    crypto_wipe(own->ca_key.data, own->ca_key.len);
    buf_done(&own->ca_key);
    crypto_wipe(own->vault_key_text.data, own->vault_key_text.len);
    buf_done(&own->vault_key_text);
    crypto_wipe(own->vault_key, sizeof(own->vault_key));
    if (own->lock_fd >= 0)
        close(own->lock_fd);
    free(own);
}

static int change_one(void *arg, const char *workload)
{
    service_config_changed(arg, workload);
    return 0;
}

void service_host_changed(struct service *svc, const char *host)
{
    (void)db_workload_each(svc->db, host, "", INT64_MAX, change_one, svc, NULL);
}
