/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP in, over libevent and OpenSSL: every call happens in the loop's thread.
 *
 * A handler gets each request whole (bodies are bounded) and answers now or later, exactly once.
 * Replies to slow readers above 1 MiB are dropped with their connection.
 */
#ifndef GODWIT_BASE_HTTPD_H
#define GODWIT_BASE_HTTPD_H

#include "base/slice.h"

#include <stdbool.h>

struct buf;
struct err;
struct httpd;
struct httpd_request;
struct loop;
struct cert_server;

typedef void (*httpd_fn)(struct httpd_request *req, void *arg);
/* Appends the JSON document of an answer that no handler gives, because what came is no request. */
typedef void (*httpd_error_fn)(int status, struct buf *out, void *arg);

struct httpd_conf {
    const char *address; /* "127.0.0.1" */
    uint16_t port;       /* 0 = any; httpd_port tells */
    struct cert_server *tls;
    httpd_error_fn error;
    size_t max_body_bytes;
    unsigned timeout_s;       /* idle connections and half-sent requests */
    unsigned max_connections; /* others wait for their turn */
    unsigned
        max_peer_connections; /* of one address (IPv6: one /64), more are hung up on; 0 = all */
};

/* arg is for fn and conf->error. */
int httpd_new(struct loop *l, const struct httpd_conf *conf, httpd_fn fn, void *arg,
              struct httpd **ret, struct err *err);
void httpd_free(struct httpd *h);
uint16_t httpd_port(const struct httpd *h);

const char *httpd_method(const struct httpd_request *r); /* "GET" */
const char *httpd_path(const struct httpd_request *r);   /* decoded, without the query */
/* A query parameter, decoded, or NULL. */
const char *httpd_query(struct httpd_request *r, const char *name);
const char *httpd_header(const struct httpd_request *r, const char *name);
struct slice httpd_body(struct httpd_request *r);
const char *httpd_peer_address(const struct httpd_request *r);
/* Identity and unit from the verified client certificate, "" when none was sent. */
const char *httpd_peer_identity(const struct httpd_request *r);
const char *httpd_peer_unit(const struct httpd_request *r);
/* Hex SHA-256 of the client certificate, "" when none. */
const char *httpd_peer_fingerprint(const struct httpd_request *r);

/* Answer and end the request (also one kept for later). type "application/json". headers:
 * NULL-terminated pairs or NULL. */
void httpd_reply(struct httpd_request *r, int status, const char *type, struct slice body,
                 const char *const *headers);

/* Keep the request for a later httpd_reply; on_gone(arg) is called when the peer hangs up first
 * (then never reply). */
void httpd_defer(struct httpd_request *r, void (*on_gone)(void *arg), void *arg);

#endif
