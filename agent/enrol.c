/* SPDX-License-Identifier: Apache-2.0 */
/* Enrolment, the identity's files, renewal. Keys and tokens never reach a log. */
#include "agent/enrol.h"

#include "agent/client.h"
#include "base/crypto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/gw.h"
#include "base/http.h"
#include "base/js.h"
#include "base/jsw.h"
#include "base/text.h"

#include "base/banned.h"

enum {
    FILE_MAX = 64 * 1024,
    RANDOM_LEN = 8,
    TOKEN_PARTS = 4,
    CALL_TIMEOUT_MS = 30 * 1000,
};

static int state_path(const char *state_dir, const char *file, char out[static PATH_MAX],
                      struct err *err)
{
    int r = text_print(out, PATH_MAX, "%s/%s", state_dir, file);

    return r < 0 ? err_set(err, r, "path of '%s': %m", file) : 0;
}

static int identity_paths(const char *state_dir, struct enrol_identity *id, struct err *err)
{
    int r = state_path(state_dir, "agent.pem", id->pem_path, err);

    if (r == 0)
        r = state_path(state_dir, "ca.crt", id->ca_path, err);
    return r;
}

int enrol_token_pin(const char *token, uint8_t *out_pin, struct err *err)
{
    auto_vec char **parts = NULL;
    size_t len = 0;
    int r = text_split(token, ".", &parts, err);

    if (r < 0)
        return r;
    if (text_vec_len(parts) != TOKEN_PARTS || !text_equal(parts[0], "gw1"))
        return err_set_gw(err, GW_TOKEN_BAD, -EINVAL, "a join token reads gw1.<pin>.<id>.<secret>");
    if (strlen(parts[1]) == (size_t)2 * CERT_PIN_LEN &&
        text_unhex(parts[1], out_pin, CERT_PIN_LEN) == 0)
        return 0;
    r = crypto_unb64url(parts[1], out_pin, CERT_PIN_LEN, &len);
    if (r < 0 || len != CERT_PIN_LEN)
        return err_set_gw(err, GW_TOKEN_BAD, -EINVAL, "the pin of the join token is malformed");
    return 0;
}

static int server_url(const char *server, char *out, size_t size, struct err *err)
{
    bool scheme = strstr(server, "://") != NULL;
    int r;

    if (scheme && !text_starts(server, "https://"))
        return err_set_gw(err, GW_BAD_VALUE, -EINVAL, "the planner '%s' is not https", server);
    r = text_print(out, size, "%s%s", scheme ? "" : "https://", server);
    if (r < 0)
        return err_set_gw(err, GW_BAD_VALUE, r, "address of the planner: %m");
    while (out[0] != '\0' && out[strlen(out) - 1] == '/')
        out[strlen(out) - 1] = '\0';
    return 0;
}

/* The key is durable before anything is asked of the planner; an interrupted join reuses it. */
static int key_ensure(const char *state_dir, struct buf *ret_key, struct err *err)
{
    char path[PATH_MAX];
    int r = state_path(state_dir, "join.key", path, err);

    if (r == 0)
        r = fd_load(path, FILE_MAX, ret_key, err);
    if (r != -ENOENT)
        return r;
    err_clear(err);
    r = cert_key_new(ret_key, err);
    if (r == 0)
        r = fd_save(path, buf_slice(ret_key), 0600, err);
    return r < 0 ? err_add(err, r, "key of this agent") : 0;
}

/*
 * The request too: when the planner's answer was lost, the same request with the same token is
 * answered again and is no second use of it.
 */
static int request_ensure(const char *state_dir, struct slice key, const char *identity,
                          struct buf *ret_csr, struct err *err)
{
    char path[PATH_MAX];
    int r = state_path(state_dir, "join.csr", path, err);

    if (r == 0)
        r = fd_load(path, FILE_MAX, ret_csr, err);
    if (r != -ENOENT)
        return r;
    err_clear(err);
    r = cert_request(key, identity, ret_csr, err);
    if (r == 0)
        r = fd_save(path, buf_slice(ret_csr), 0600, err);
    return r < 0 ? err_add(err, r, "certificate request of this agent") : 0;
}

int enrol_check_roles(const char *text, struct err *err)
{
    auto_vec char **roles = NULL;
    int r = text_split(text, ",", &roles, err);

    for (size_t i = 0; r == 0 && i < text_vec_len(roles); i++)
        if (!text_equal(roles[i], "source") && !text_equal(roles[i], "landing"))
            r = err_set_gw(err, GW_BAD_VALUE, -EINVAL, "'%s' is no role: source or landing",
                           roles[i]);
    return r;
}

static int join_body(const struct enrol_join *join, struct slice csr, struct buf *out,
                     struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    auto_buf struct buf pem = {0};
    auto_vec char **roles = NULL;
    int r = jsw_new(&w, err);

    if (r == 0)
        r = text_split(join->roles, ",", &roles, err);
    if (r == 0)
        r = buf_append(&pem, csr.data, csr.len);
    if (r < 0)
        return r;
    jsw_obj(w, NULL);
    jsw_str(w, "token", join->token);
    jsw_str(w, "csr", buf_cstr(&pem));
    jsw_str(w, "name", join->name);
    jsw_arr(w, "roles");
    for (size_t i = 0; i < text_vec_len(roles); i++)
        jsw_str(w, NULL, roles[i]);
    jsw_end(w);
    jsw_str(w, "version", PACKAGE_VERSION);
    jsw_end(w);
    return jsw_finish(w, false, out, err);
}

static int join_call(const struct enrol_join *join, const char *server, struct slice body,
                     struct js **ret, struct err *err)
{
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    auto_http struct http *http = NULL;
    auto_reply struct http_reply reply = {0};
    uint8_t pin[CERT_PIN_LEN];
    char url[ENROL_SERVER_MAX + 16];
    int r;

    r = enrol_token_pin(join->token, pin, err);
    if (r == 0)
        r = http_new(&(struct http_conf){.pin = pin}, &http, err);
    if (r < 0)
        return r;
    text_print(url, sizeof(url), "%s/v1/enrol", server);
    r = http_do(http,
                &(struct http_request){.method = "POST",
                                       .url = url,
                                       .headers = headers,
                                       .body = body,
                                       .timeout_ms = CALL_TIMEOUT_MS},
                &reply, err);
    if (r == 0)
        r = client_judge(&reply, ret, err);
    return r < 0 ? err_add(err, r, "enrol at %s", server) : 0;
}

/* The CA that came must be the one that the token named. */
static int check_ca(const char *token, const char *ca, struct err *err)
{
    uint8_t want[CERT_PIN_LEN];
    uint8_t have[CERT_PIN_LEN];
    int r = enrol_token_pin(token, want, err);

    if (r == 0)
        r = cert_pin(slice_str(ca), have, err);
    if (r != 0)
        return r;
    if (!crypto_equal(want, have, sizeof(want)))
        return err_set_gw(err, GW_PIN_MISMATCH, -EPROTO,
                          "the planner's CA is not the one in the join token");
    return 0;
}

static int save_identity(const struct enrol_join *join, const char *server, const char *identity,
                         struct err *err)
{
    char path[PATH_MAX];
    auto_jsw struct jsw *w = NULL;
    auto_buf struct buf text = {0};
    int r = state_path(join->state_dir, "agent.json", path, err);

    if (r == 0)
        r = jsw_new(&w, err);
    if (r < 0)
        return r;
    jsw_obj(w, NULL);
    jsw_str(w, "identity", identity);
    jsw_str(w, "server", server);
    jsw_str(w, "name", join->name);
    jsw_str(w, "roles", join->roles);
    jsw_end(w);
    r = jsw_finish(w, true, &text, err);
    if (r == 0)
        r = fd_save(path, buf_slice(&text), 0600, err);
    return r;
}

static int save_pem(const char *path, struct slice key, const char *cert, struct err *err)
{
    auto_buf struct buf pem = {0};
    int r = buf_append(&pem, key.data, key.len);

    if (r == 0)
        r = buf_str(&pem, cert);
    if (r == 0)
        r = fd_save(path, buf_slice(&pem), 0600, err);
    crypto_wipe(pem.data, pem.len);
    return r;
}

static int forget_request(const char *state_dir, struct err *err)
{
    char path[PATH_MAX];
    int r = state_path(state_dir, "join.csr", path, err);

    if (r == 0)
        r = fd_unlink(path, err);
    if (r == 0)
        r = state_path(state_dir, "join.key", path, err);
    return r == 0 ? fd_unlink(path, err) : r;
}

/* agent.json comes last: it is what says that this directory is enrolled. */
static int save_joined(const struct enrol_join *join, const struct enrol_identity *id,
                       struct slice key, const struct js *answer, struct err *err)
{
    const char *cert = NULL;
    const char *ca = NULL;
    const char *identity = NULL;
    int r = js_get_str(answer, "certificate", &cert, err);

    if (r == 0)
        r = js_get_str(answer, "ca", &ca, err);
    if (r == 0)
        r = js_get_str(answer, "identity", &identity, err);
    if (r != 0)
        return err_add(err, -EINVAL, "answer to the enrolment");
    r = check_ca(join->token, ca, err);
    if (r == 0)
        r = fd_save(id->ca_path, slice_str(ca), 0600, err);
    if (r == 0)
        r = save_pem(id->pem_path, key, cert, err);
    if (r == 0)
        r = save_identity(join, id->server, identity, err);
    return r == 0 ? forget_request(join->state_dir, err) : r;
}

static void identity_new(const struct rng *rng, char out[static CERT_ID_MAX])
{
    uint8_t random[RANDOM_LEN];
    char hex[2 * RANDOM_LEN + 1];

    rng_fill(rng, random, sizeof(random));
    text_print(out, CERT_ID_MAX, "h-%s", text_hex(random, sizeof(random), hex));
}

int enrol_check_fresh(const struct enrol_join *join, struct err *err)
{
    char path[PATH_MAX];
    int r = state_path(join->state_dir, "agent.json", path, err);

    if (r == 0 && !join->again && access(path, F_OK) == 0)
        return err_set_gw(err, GW_USAGE, -EEXIST,
                          "'%s' is enrolled already; --again gives it a new certificate",
                          join->state_dir);
    return r;
}

int enrol_join(const struct enrol_join *join, struct err *err)
{
    auto_identity struct enrol_identity *id = calloc(1, sizeof(*id));
    auto_buf struct buf key = {0};
    auto_buf struct buf csr = {0};
    auto_buf struct buf body = {0};
    auto_js struct js *answer = NULL;
    int r;

    if (!id)
        return err_set(err, -ENOMEM, "enrol: %m");
    r = enrol_check_fresh(join, err);
    if (r == 0)
        r = server_url(join->server, id->server, sizeof(id->server), err);
    if (r == 0)
        r = fd_mkdirs(join->state_dir, 0700, err);
    if (r == 0)
        r = identity_paths(join->state_dir, id, err);
    if (r == 0)
        r = key_ensure(join->state_dir, &key, err);
    identity_new(join->rng, id->identity);
    if (r == 0)
        r = request_ensure(join->state_dir, buf_slice(&key), id->identity, &csr, err);
    if (r == 0)
        r = join_body(join, buf_slice(&csr), &body, err);
    if (r == 0)
        r = join_call(join, id->server, buf_slice(&body), &answer, err);
    if (r == 0)
        r = save_joined(join, id, buf_slice(&key), answer, err);
    crypto_wipe(key.data, key.len);
    crypto_wipe(body.data, body.len);
    return r;
}

static int copy_member(const struct js *doc, const char *key, char *out, size_t size,
                       struct err *err)
{
    const char *v = NULL;
    int r = js_get_str(doc, key, &v, err);

    if (r == 0)
        r = text_copy(out, size, v);
    return r;
}

int enrol_load(const char *state_dir, const char *server, struct enrol_identity **ret,
               struct err *err)
{
    auto_identity struct enrol_identity *id = calloc(1, sizeof(*id));
    auto_js struct js *doc = NULL;
    char path[PATH_MAX];
    int r;

    if (!id)
        return err_set(err, -ENOMEM, "identity: %m");
    r = state_path(state_dir, "agent.json", path, err);
    if (r == 0)
        r = js_load(path, FILE_MAX, &doc, err);
    if (r == -ENOENT)
        return err_set_gw(err, GW_NOT_FOUND, r,
                          "'%s' holds no identity of an agent: godwit-agent enrol --server "
                          "URL --join - joins a planner",
                          state_dir);
    if (r == 0)
        r = copy_member(doc, "identity", id->identity, sizeof(id->identity), err);
    if (r == 0)
        r = copy_member(doc, "name", id->name, sizeof(id->name), err);
    if (r == 0)
        r = copy_member(doc, "roles", id->roles, sizeof(id->roles), err);
    if (r == 0)
        r = server_url(server ? server : js_str(doc, "server", ""), id->server, sizeof(id->server),
                       err);
    if (r == 0)
        r = identity_paths(state_dir, id, err);
    if (r < 0)
        return err_add(err, r, "identity of this agent in '%s'", state_dir);
    *ret = TAKE(id);
    return 0;
}

void enrol_free(struct enrol_identity *id)
{
    free(id);
}

static int half_life_over(const struct enrol_identity *id, uint64_t wall_ms, bool *ret,
                          struct err *err)
{
    auto_buf struct buf pem = {0};
    uint64_t from = 0;
    uint64_t until = 0;
    int r = fd_load(id->pem_path, FILE_MAX, &pem, err);

    if (r < 0)
        return r;
    r = cert_validity(buf_slice(&pem), &from, &until, err);
    if (r < 0)
        return err_set_gw(err, GW_IDENTITY_DAMAGED, r, "no certificate in '%s'", id->pem_path);
    *ret = until <= from || wall_ms >= from + (until - from) / 2;
    return 0;
}

/* The key's part of agent.pem, which comes first. */
static int load_key(const struct enrol_identity *id, struct buf *ret_key, struct err *err)
{
    static const char end[] = "-----END PRIVATE KEY-----\n";
    const char *text;
    const char *at;
    int r = fd_load(id->pem_path, FILE_MAX, ret_key, err);

    if (r < 0)
        return r;
    text = buf_cstr(ret_key);
    at = text ? strstr(text, end) : NULL;
    if (!at)
        return err_set_gw(err, GW_IDENTITY_DAMAGED, -EINVAL, "no private key in '%s'",
                          id->pem_path);
    ret_key->len = (size_t)(at - text) + sizeof(end) - 1;
    return 0;
}

int enrol_check(const struct enrol_identity *id, struct err *err)
{
    auto_buf struct buf key = {0};
    bool due;
    int r = load_key(id, &key, err);

    crypto_wipe(key.data, key.cap);
    return r < 0 ? r : half_life_over(id, 0, &due, err);
}

static int renew_body(const struct enrol_identity *id, struct slice key, struct buf *out,
                      struct err *err)
{
    auto_buf struct buf csr = {0};
    auto_jsw struct jsw *w = NULL;
    int r = cert_request(key, id->identity, &csr, err);

    if (r == 0)
        r = jsw_new(&w, err);
    if (r < 0)
        return r;
    jsw_obj(w, NULL);
    jsw_str(w, "csr", buf_cstr(&csr));
    jsw_end(w);
    return jsw_finish(w, false, out, err);
}

static int renew_with(struct enrol_identity *id, struct client *client, struct slice key,
                      struct err *err)
{
    auto_buf struct buf body = {0};
    auto_js struct js *answer = NULL;
    const char *cert = NULL;
    int r = renew_body(id, key, &body, err);

    if (r == 0)
        r = client_do(client,
                      &(struct client_call){.method = "POST",
                                            .path = "/v1/agent/renew",
                                            .body = buf_slice(&body),
                                            .timeout_ms = CALL_TIMEOUT_MS},
                      &answer, err);
    if (r == 0)
        r = js_get_str(answer, "certificate", &cert, err);
    return r == 0 ? save_pem(id->pem_path, key, cert, err) : r;
}

int enrol_renew(struct enrol_identity *id, struct client *client, uint64_t wall_ms, struct err *err)
{
    auto_buf struct buf key = {0};
    bool due = false;
    int r = half_life_over(id, wall_ms, &due, err);

    if (r < 0 || !due)
        return r;
    r = load_key(id, &key, err);
    if (r == 0)
        r = renew_with(id, client, buf_slice(&key), err);
    crypto_wipe(key.data, key.cap);
    if (r < 0)
        return err_add(err, r, "renew the certificate");
    atomic_fetch_add(&id->generation, 1);
    return 0;
}
