/* SPDX-License-Identifier: Apache-2.0 */
/* How an agent comes in, and how its certificate is renewed. */
#include "base/crypto.h"
#include "base/text.h"
#include "planner/service/api.h"
#include "planner/service/db_access.h"
#include "planner/service/db_host.h"
#include "planner/service/event.h"
#include "planner/service/service_own.h"
#include "planner/service/token.h"

#include "base/banned.h"

enum { CERT_VALID_MS = 24 * 3600 * 1000, CSR_MAX = 16 * 1024, ROLES_MAX = 4 };

struct enrolment {
    struct token_parts parts;
    struct token_info info;
    const char *csr, *name;
    char csr_hash[2 * CRYPTO_SHA256_LEN + 1];
    struct host host;
};

static int parse_roles(const struct js *roles, char *out, size_t size, struct err *err)
{
    auto_buf struct buf text = {0};

    if (js_kind(roles) != JS_NULL && js_kind(roles) != JS_ARR)
        return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "roles is a list");
    for (size_t i = 0; i < js_len(roles); i++) {
        const char *role = js_as_str(js_at(roles, i), "");

        if (i >= ROLES_MAX || (!text_equal(role, "source") && !text_equal(role, "landing")))
            return err_set_gw(err, GW_BAD_VALUE, -EINVAL, "'%.64s' is no role: source or landing",
                              role);
        (void)buf_printf(&text, "%s%s", i > 0 ? "," : "", role);
    }
    return text_copy(out, size, buf_cstr(&text)) < 0
               ? err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "roles are too long")
               : 0;
}

static int parse_body(struct api_call *call, struct enrolment *e, struct err *err)
{
    const char *token = NULL, *version = js_str(call->body, "version", "");
    uint8_t hash[CRYPTO_SHA256_LEN];
    int r;

    r = api_need_body(call, err);
    if (r == 0)
        r = js_get_str(call->body, "token", &token, err);
    if (r == 0)
        r = js_get_str(call->body, "csr", &e->csr, err);
    if (r == 0)
        r = js_get_str(call->body, "name", &e->name, err);
    if (r != 0)
        return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "enrolment needs token, csr and name");
    if (!text_is_name(e->name) || strlen(e->csr) > CSR_MAX ||
        text_copy(e->host.version, sizeof(e->host.version), version) < 0)
        return err_set_gw(err, GW_BAD_VALUE, -EINVAL,
                          "name is no name, or the request or version is too long");
    crypto_sha256(slice_str(e->csr), hash);
    text_hex(hash, sizeof(hash), e->csr_hash);
    r = parse_roles(js_member(call->body, "roles"), e->host.roles, sizeof(e->host.roles), err);
    return r < 0 ? r : token_parse(token, &e->parts, err);
}

static int check_token(struct api_call *call, struct enrolment *e, struct err *err)
{
    int r;

    if (e->parts.kind == TOKEN_JOIN && !text_equal(e->parts.pin, call->service->own->pin))
        return err_set_gw(err, GW_TOKEN_BAD, -EACCES, "the join token is of another planner");
    r = token_check(call->service, TOKEN_JOIN, &e->parts, &e->info, err);
    if (r == 0 && e->info.host[0] && !text_equal(e->info.host, e->name))
        return err_set_gw(err, GW_TOKEN_BAD, -EACCES, "the join token is for host '%s'",
                          e->info.host);
    return r;
}

static int add_host(struct api_call *call, struct enrolment *e, struct err *err)
{
    uint8_t random[8];
    char hex[2 * sizeof(random) + 1];

    rng_fill(call->service->rng, random, sizeof(random));
    (void)text_print(e->host.identity, sizeof(e->host.identity), "h-%s",
                     text_hex(random, sizeof(random), hex));
    return db_host_add(call->service->db, &e->host, err);
}

/* Only a token that was made for this very name may take over its identity. */
static int come_back(struct api_call *call, struct enrolment *e, const struct host *known,
                     struct err *err)
{
    int r;

    if (!e->info.host[0])
        return err_set_gw(err, GW_API_CONFLICT, -EEXIST,
                          "a host called '%s' is enrolled: godwit host rejoin %s", e->name,
                          e->name);
    (void)text_copy(e->host.identity, sizeof(e->host.identity), known->identity);
    r = db_host_cert_revoke(call->service->db, known->identity, err);
    return r < 0 ? r : db_host_rejoin(call->service->db, &e->host, err);
}

static int use_token(struct api_call *call, struct enrolment *e, struct err *err)
{
    struct service *svc = call->service;
    struct host known;
    int r;

    (void)text_copy(e->host.name, sizeof(e->host.name), e->name);
    (void)text_copy(e->host.address, sizeof(e->host.address), httpd_peer_address(call->request));
    e->host.enrolled_ms = clock_wall_ms(svc->clock);
    r = db_access_token_use(svc->db, e->parts.id, err);
    if (r < 0)
        return r;
    r = host_find_name(svc, e->name, &known, err);
    if (r == 0)
        r = come_back(call, e, &known, err);
    else if (r == -ENOENT)
        r = add_host(call, e, err);
    if (r == 0)
        r = db_access_use_add(svc->db, e->parts.id, e->csr_hash, e->host.identity,
                              e->host.enrolled_ms, err);
    if (r < 0)
        return r;
    return event_note(svc, "host.enrolled", e->parts.id, e->name, err, "%s, agent %s, roles %s",
                      e->host.identity, e->host.version, e->host.roles);
}

/* A lost answer is asked for again with the same request: that is no second use. */
static int find_identity(struct api_call *call, struct enrolment *e, struct err *err)
{
    int r;

    r = db_access_use_find(call->service->db, e->parts.id, e->csr_hash, e->host.identity,
                           sizeof(e->host.identity), err);
    return r == -ENOENT ? use_token(call, e, err) : r;
}

static int issue(struct service *svc, const char *identity, const char *csr, struct jsw *w,
                 struct err *err)
{
    auto_buf struct buf cert = {0};
    const struct cert_issue wanted = {
        .ca_cert_pem = buf_slice(&svc->own->ca_cert),
        .ca_key_pem = buf_slice(&svc->own->ca_key),
        .csr_pem = slice_str(csr),
        .identity = identity,
        .unit = "agent",
        .now_ms = clock_wall_ms(svc->clock),
        .valid_ms = CERT_VALID_MS,
    };
    uint8_t hash[CERT_PIN_LEN];
    char hex[2 * sizeof(hash) + 1];
    int r;

    r = cert_sign(&wanted, &cert, err);
    if (r < 0)
        return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "the certificate request is not valid");
    r = cert_fingerprint(buf_slice(&cert), hash, err);
    if (r == 0)
        r = db_host_cert_issued(svc->db, identity, text_hex(hash, sizeof(hash), hex), err);
    if (r < 0)
        return r;
    jsw_str(w, "certificate", buf_cstr(&cert));
    jsw_str(w, "ca", buf_cstr(&svc->own->ca_cert));
    return 0;
}

void api_enrol(struct api_call *call)
{
    struct enrolment e = {0};
    struct jsw *w = NULL;
    struct err err = {0};
    int r;

    r = parse_body(call, &e, &err);
    if (r == 0)
        r = check_token(call, &e, &err);
    if (r == 0)
        r = find_identity(call, &e, &err);
    if (r == 0)
        r = api_document(call, "godwit.enrolment/1", &w, &err);
    if (r == 0) {
        jsw_str(w, "identity", e.host.identity);
        r = issue(call->service, e.host.identity, e.csr, w, &err);
    }
    if (r == 0)
        service_host_changed(call->service, e.name);
    api_finish(call, r, 201, w, &err);
}

void api_enrol_renew(struct api_call *call)
{
    const char *csr = NULL;
    struct jsw *w = NULL;
    struct err err = {0};
    int r;

    r = api_need_body(call, &err);
    if (r == 0)
        r = js_get_str(call->body, "csr", &csr, &err);
    if (r == 0 && strlen(csr) > CSR_MAX)
        r = err_set_gw(&err, GW_BAD_VALUE, -EINVAL, "the request is too long");
    if (r == 0)
        r = api_document(call, "godwit.certificate/1", &w, &err);
    if (r == 0)
        r = issue(call->service, call->who, csr, w, &err);
    api_finish(call, r, 200, w, &err);
}
