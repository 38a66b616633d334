/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The project's own CA: keys (EC P-256), certificates, requests, pins and TLS contexts (OpenSSL 3).
 *
 * PEM text goes in and out as bytes; files are the caller's business. Private keys are PKCS#8 PEM.
 * Common name of an agent's certificate is its identity ("h-…"); roles are told apart by the
 * organizational unit ("agent", "planner", "ca"). TLS is 1.3 only; peers are always verified.
 */
#ifndef GODWIT_BASE_CERT_H
#define GODWIT_BASE_CERT_H

#include "base/buf.h"

enum { CERT_ID_MAX = 128, CERT_PIN_LEN = 32 };

/* A fresh private key. */
int cert_key_new(struct buf *ret_key_pem, struct err *err);
/* A self-signed CA certificate for key, valid for days. */
int cert_ca_new(struct slice key_pem, const char *name, unsigned days, uint64_t now_ms,
                struct buf *ret_cert_pem, struct err *err);
/* A request for identity, signed by key. */
int cert_request(struct slice key_pem, const char *identity, struct buf *ret_csr_pem,
                 struct err *err);

struct cert_issue {
    struct slice ca_cert_pem, ca_key_pem;
    struct slice csr_pem; /* its signature is checked; its key is taken, its names are not */
    const char *identity; /* common name to put in */
    const char *unit;     /* "agent" or "planner" */
    const char *const
        *hosts; /* subjectAltName: DNS names and IP addresses, NULL-terminated; or NULL */
    uint64_t now_ms;
    uint64_t valid_ms; /* starts five minutes before now */
};
/* -EINVAL when the request is malformed or not signed by its own key. */
int cert_sign(const struct cert_issue *issue, struct buf *ret_cert_pem, struct err *err);

/* SHA-256 of the SubjectPublicKeyInfo of the first certificate in pem; out has CERT_PIN_LEN bytes.
 */
int cert_pin(struct slice cert_pem, uint8_t *out, struct err *err);
/* SHA-256 of the first certificate in pem, as cert_peer_fingerprint gives it; CERT_PIN_LEN bytes.
 */
int cert_fingerprint(struct slice cert_pem, uint8_t *out, struct err *err);
/* When the first certificate ends, and when it began. */
int cert_validity(struct slice cert_pem, uint64_t *ret_from_ms, uint64_t *ret_until_ms,
                  struct err *err);

/* A TLS 1.3 server context; client certificates are asked for, and verified against ca when sent.
 */
struct cert_server;
int cert_server_new(struct slice cert_pem, struct slice key_pem, struct slice ca_pem,
                    struct cert_server **ret, struct err *err);
void cert_server_free(struct cert_server *s);
/* What the owner of a session wants to be told; it must live as long. */
struct cert_hook {
    void (*on_free)(void *arg);            /* the session is being freed */
    void (*on_refusal)(void *arg, int fd); /* a fatal alert went to the peer at fd; NULL = no */
    void *arg;
};
/* An SSL in accept state (struct ssl_st, for base/httpd.c only), NULL when there is no memory; the
 * bufferevent owns it. hook is lent, or NULL. */
struct ssl_st;
struct ssl_st *cert_server_session(struct cert_server *s, const struct cert_hook *hook);
const struct cert_hook *cert_session_hook(const struct ssl_st *session); /* NULL: none was set */
/* Identity and unit of the verified peer of a session: -ENOENT when it sent no certificate. Each
 * out has CERT_ID_MAX. */
int cert_peer(struct ssl_st *session, char *out_identity, char *out_unit);
/* SHA-256 of the peer's whole certificate, for noticing one identity used from two places. -ENOENT.
 */
int cert_peer_fingerprint(struct ssl_st *session, uint8_t *out);

/*
 * Make a client's context (struct ssl_ctx_st, for base/http.c only) demand a CA certificate with
 * the pinned key in the peer's chain. pin_alone: that CA is the one root of trust, sent by the peer
 * itself; else the usual roots must verify the chain first. pinned is lent as long as the context
 * lives. Host names are the caller's check.
 */
struct ssl_ctx_st;
struct cert_pinned {
    const uint8_t *pin; /* CERT_PIN_LEN bytes */
    bool pin_alone;
    bool mismatch; /* set when the pin was the reason of a refusal */
};
void cert_pin_require(struct ssl_ctx_st *client, struct cert_pinned *pinned);

#endif
