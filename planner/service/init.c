/* SPDX-License-Identifier: Apache-2.0 */
/* Each step leaves a whole file or none, so a crash anywhere is mended by running it again. */
#include "planner/service/init.h"

#include "base/conf.h"
#include "base/crypto.h"
#include "base/fd.h"
#include "base/secret.h"
#include "base/text.h"
#include "planner/service/event.h"
#include "planner/service/token.h"
#include "transport/store.h"
#include "transport/vault.h"

#include <limits.h>

#include "base/banned.h"

enum { CA_DAYS = 3650, TOKEN_FILE_MAX = 4096 };

static int path_of(const struct service_conf *conf, const char *name, char out[static PATH_MAX],
                   struct err *err)
{
    const int r = text_print(out, PATH_MAX, "%s/%s", conf->state_dir, name);

    return r < 0 ? err_set(err, r, "state directory: %m") : 0;
}

static int make_key(const char *path, struct buf *ret_key, struct err *err)
{
    int r;

    r = fd_load(path, TOKEN_FILE_MAX, ret_key, err);
    if (r != -ENOENT)
        return r;
    err_clear(err);
    buf_clear(ret_key);
    r = cert_key_new(ret_key, err);
    return r < 0 ? r : fd_create_once(path, buf_slice(ret_key), 0600, err);
}

/* The key first: a certificate without its key could never be mended. */
static int make_ca(const struct service_conf *conf, struct err *err)
{
    auto_buf struct buf key = {0};
    auto_buf struct buf cert = {0};
    char path[PATH_MAX];
    int r;

    r = path_of(conf, "ca.key", path, err);
    if (r == 0)
        r = make_key(path, &key, err);
    if (r == 0)
        r = path_of(conf, "ca.pem", path, err);
    if (r == 0 && access(path, F_OK) < 0) {
        r = cert_ca_new(buf_slice(&key), "godwit CA", CA_DAYS, clock_wall_ms(&clock_system), &cert,
                        err);
        if (r == 0)
            r = fd_create_once(path, buf_slice(&cert), 0644, err);
    }
    crypto_wipe(key.data, key.len);
    return r;
}

/* ret_path: of the key when there was none; else "". */
static int make_vault_key(const struct service_conf *conf, char ret_path[static PATH_MAX],
                          struct err *err)
{
    uint8_t key[CRYPTO_KEY_LEN];
    char path[PATH_MAX];
    int r;

    ret_path[0] = '\0';
    if (conf->store_key)
        return 0;
    r = path_of(conf, "vault.key", path, err);
    if (r == 0)
        r = vault_key_create(path, &rng_system, key, err);
    crypto_wipe(key, sizeof(key));
    if (r == -EEXIST) {
        err_clear(err);
        return 0;
    }
    return r < 0 ? r : text_copy(ret_path, PATH_MAX, path);
}

/* A directory as store is made here; a bucket is somebody else's to make. */
static int make_store_dir(const struct service_conf *conf, struct err *err)
{
    static const char scheme[] = "file://";

    if (!conf->store_url || !text_starts(conf->store_url, scheme))
        return 0;
    return fd_mkdirs(conf->store_url + sizeof(scheme) - 1, 0700, err);
}

/* A store that does not work is said now, not at the first copy. What is there stays. */
static int make_vault(const struct service_conf *conf, struct err *err)
{
    auto_vault struct vault *vault = NULL;
    uint8_t key[CRYPTO_KEY_LEN];
    char path[PATH_MAX];
    struct vault_conf vc = {
        .store = {.url = conf->store_url,
                  .region = conf->store_region,
                  .endpoint = conf->store_endpoint,
                  .path_style = -1,
                  .attempts = 2},
        .key = key,
        .create = true,
    };
    int r;

    if (!conf->store_url)
        return 0;
    r = path_of(conf, "vault.key", path, err);
    if (r == 0)
        r = vault_key_load(conf->store_key ? conf->store_key : path, key, err);
    if (r == 0)
        r = vault_open(&vc, &vault, err);
    crypto_wipe(key, sizeof(key));
    return r;
}

/* Where a vault is already, a new key has sealed nothing: left behind, it would be taken for the
 * vault's own, which is lost here. */
static int make_key_and_vault(const struct service_conf *conf, struct err *err)
{
    char made[PATH_MAX];
    int r;

    r = make_vault_key(conf, made, err);
    if (r == 0)
        r = make_vault(conf, err);
    if (r == -EKEYREJECTED && made[0] != '\0') {
        (void)unlink(made);
        return err_add(err, r, "'%s' is gone, and the store has a vault already", made);
    }
    return r;
}

/* Said before anything is written: what is kept is what the next start reads. */
static int check_listen(const struct service_conf *conf, struct err *err)
{
    char address[SERVICE_TEXT_MAX];
    uint16_t port;

    return service_split_listen(conf->listen, address, sizeof(address), &port, err);
}

/* A directory need not be there yet, and what answers at the other end is asked later. */
static int check_url(const struct service_conf *conf, struct err *err)
{
    const struct store_conf sc = {.url = conf->store_url,
                                  .region = conf->store_region,
                                  .endpoint = conf->store_endpoint,
                                  .path_style = -1};
    struct store *store = NULL;
    int r;

    if (!conf->store_url)
        return 0;
    r = store_open(&sc, &store, err);
    store_close(store);
    if (r != -ENOENT)
        return r;
    err_clear(err);
    return 0;
}

/* The epochs, decisions and replicas of this planner are in its vault: it never changes in passing.
 */
static int check_store(const struct service_conf *conf, struct err *err)
{
    struct conf *file = NULL;
    const char *kept;
    char path[PATH_MAX];
    int r = path_of(conf, "godwitd.conf", path, err);

    if (r == 0)
        r = conf_new(&file, err);
    if (r == 0)
        r = conf_load(file, path, err);
    if (r == -ENOENT) {
        err_clear(err);
        r = 0;
    }
    kept = r == 0 ? conf_get(file, "store", "url", NULL) : NULL;
    if (kept && conf->store_url && !text_equal(kept, conf->store_url))
        r = err_set_gw(err, GW_BAD_VALUE, -EINVAL,
                       "--store '%s': this planner keeps its vault in '%s'; another store needs "
                       "another --state-dir, or that line changed in '%s'",
                       conf->store_url, kept, path);
    conf_free(file);
    return r;
}

/* What was given stays given: godwitd --state-dir D alone starts the same planner again. */
static int make_config(const struct service_conf *conf, struct err *err)
{
    struct conf *file = NULL;
    char path[PATH_MAX];
    int r;

    r = path_of(conf, "godwitd.conf", path, err);
    if (r == 0)
        r = conf_new(&file, err);
    if (r < 0)
        return r;
    r = conf_load(file, path, err);
    if (r == -ENOENT)
        r = 0;
    if (r == 0)
        r = conf_set(file, "godwitd", "listen", conf->listen, err);
    if (r == 0 && conf->store_url)
        r = conf_set(file, "store", "url", conf->store_url, err);
    if (r == 0 && conf->store_region)
        r = conf_set(file, "store", "region", conf->store_region, err);
    if (r == 0 && conf->store_endpoint)
        r = conf_set(file, "store", "endpoint", conf->store_endpoint, err);
    if (r == 0 && conf->store_key)
        r = conf_set(file, "store", "key", conf->store_key, err);
    if (r == 0)
        r = conf_save(file, path, err);
    conf_free(file);
    return r;
}

static bool token_works(struct service *svc, const char *path)
{
    auto_buf struct buf text = {0};
    struct token_parts parts;
    struct token_info info;

    if (secret_load(path, &text, NULL) < 0 || token_parse(buf_cstr(&text), &parts, NULL) < 0)
        return false;
    return token_check(svc, TOKEN_OPERATOR, &parts, &info, NULL) == 0;
}

/* The row is committed after the file is whole: a token on disk that does not work is replaced. */
static int make_admin(struct service *svc, const char *path, struct err *err)
{
    const struct token_new wanted = {
        .kind = TOKEN_OPERATOR, .name = "admin", .scope = "admin", .created_by = "init"};
    char id[TOKEN_ID_MAX], text[TOKEN_TEXT_MAX + 1];
    int r;

    if (token_works(svc, path))
        return 0;
    r = db_begin(svc->db, err);
    if (r < 0)
        return r;
    r = token_create(svc, &wanted, id, text, err);
    if (r == 0)
        r = event_note(svc, "token.created", "init", id, err, "operator token for admin");
    if (r == 0)
        r = fd_save(path, slice_str(text), 0600, err);
    if (r == 0)
        r = db_commit(svc->db, err);
    if (r < 0)
        db_rollback(svc->db);
    crypto_wipe(text, sizeof(text));
    return r;
}

static int write_client(const struct service_own *own, struct buf *out, struct err *err)
{
    const bool v6 = strchr(own->address, ':') != NULL;
    auto_jsw struct jsw *w = NULL;
    char path[PATH_MAX], server[2 * SERVICE_TEXT_MAX];
    int r;

    r = jsw_new(&w, err);
    if (r < 0)
        return r;
    (void)text_print(server, sizeof(server), "https://%s%s%s:%u", v6 ? "[" : "", own->address,
                     v6 ? "]" : "", own->port);
    jsw_obj(w, NULL);
    jsw_str(w, "server", server);
    r = path_of(&own->conf, "ca.pem", path, err);
    jsw_str(w, "ca_file", path);
    jsw_str(w, "ca_pin", own->pin);
    if (r == 0)
        r = path_of(&own->conf, "admin.token", path, err);
    jsw_str(w, "token_file", path);
    jsw_end(w);
    return r < 0 ? r : jsw_finish(w, true, out, err);
}

int init_write_client(const struct service_own *own, const char *client_file, struct err *err)
{
    auto_buf struct buf text = {0};
    int r;

    r = write_client(own, &text, err);
    if (r == 0) {
        (void)buf_str(&text, "\n");
        r = buf_failed(&text, err);
    }
    return r < 0 ? r : fd_save(client_file, buf_slice(&text), 0600, err);
}

static int write_listen(struct service_own *own, const char *client_file, struct err *err)
{
    int r;

    r = service_split_listen(own->conf.listen, own->address, sizeof(own->address), &own->port, err);
    return r == 0 && client_file ? init_write_client(own, client_file, err) : r;
}

static int finish(struct service *svc, const char *client_file, struct err *err)
{
    char path[PATH_MAX];
    int r;

    r = path_of(&svc->own->conf, "admin.token", path, err);
    if (r == 0)
        r = make_admin(svc, path, err);
    return r < 0 ? r : write_listen(svc->own, client_file, err);
}

/* A planner that runs has been made whole: only the client file may be missing. */
static int finish_running(const struct service_conf *conf, const char *client_file, struct err *err)
{
    struct service_own own = {.conf = *conf};
    char path[PATH_MAX];
    int r;

    err_clear(err);
    r = path_of(conf, "admin.token", path, err);
    if (r == 0 && access(path, R_OK) < 0)
        return err_set_gw(err, GW_IN_USE, -EWOULDBLOCK,
                          "'%s' is in use and has no admin token: stop godwitd first",
                          conf->state_dir);
    if (r == 0)
        r = service_load_ca(&own, err);
    if (r == 0)
        r = write_listen(&own, client_file, err);
    crypto_wipe(own.ca_key.data, own.ca_key.len);
    buf_done(&own.ca_key);
    buf_done(&own.ca_cert);
    return r;
}

int init_run(const struct service_conf *conf, const char *client_file, struct err *err)
{
    struct service_conf made = *conf;
    struct service *svc = NULL;
    int r;

    r = check_listen(conf, err);
    if (r == 0)
        r = check_url(conf, err);
    if (r == 0)
        r = check_store(conf, err);
    if (r == 0)
        r = fd_mkdirs(conf->state_dir, 0700, err);
    if (r == 0)
        r = make_ca(conf, err);
    if (r == 0)
        r = make_key_and_vault(conf, err);
    if (r == 0)
        r = make_store_dir(conf, err);
    if (r == 0)
        r = make_config(conf, err);
    made.make_database = true;
    if (r == 0)
        r = service_open(&made, &svc, err);
    if (r == -EWOULDBLOCK)
        return finish_running(conf, client_file, err);
    if (r == 0)
        r = finish(svc, client_file, err);
    service_close(svc);
    return r;
}
