/* SPDX-License-Identifier: Apache-2.0 */
/* TLS contexts of cert.h: the server's side, who its peer is, and the pin a client checks. */
#include "base/cert_priv.h"

#include "base/crypto.h"
#include "base/err.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>

#include "base/banned.h"

enum { CHAIN_DEPTH_MAX = 1, CA_CERTS_MAX = 8 };

struct cert_server {
    SSL_CTX *ctx;
};

static bool use_cert(SSL_CTX *ctx, struct slice pem)
{
    BIO *bio = cert_bio(pem);
    X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, cert_no_password, NULL) : NULL;
    const bool ok = cert && SSL_CTX_use_certificate(ctx, cert) == 1;

    X509_free(cert);
    BIO_free(bio);
    return ok;
}

static bool use_key(SSL_CTX *ctx, struct slice pem)
{
    BIO *bio = cert_bio(pem);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, cert_no_password, NULL) : NULL;
    const bool ok = key && SSL_CTX_use_PrivateKey(ctx, key) == 1;

    EVP_PKEY_free(key);
    BIO_free(bio);
    return ok;
}

/*
 * A CA certificate that clients may be signed by. It is sent in our chain too: an agent at its
 * first contact knows only the hash of its key.
 */
static bool use_ca(SSL_CTX *ctx, X509 *ca)
{
    return X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), ca) == 1 &&
           SSL_CTX_add_client_CA(ctx, ca) == 1 && SSL_CTX_add1_chain_cert(ctx, ca) == 1;
}

static bool use_cas(SSL_CTX *ctx, struct slice pem)
{
    BIO *bio = cert_bio(pem);
    unsigned n = 0;
    bool ok = bio != NULL;

    while (ok && n < CA_CERTS_MAX) {
        X509 *ca = PEM_read_bio_X509(bio, NULL, cert_no_password, NULL);

        if (!ca)
            break;
        ok = use_ca(ctx, ca);
        n += 1;
        X509_free(ca);
    }
    BIO_free(bio);
    ERR_clear_error(); /* "no start line" is how the end of the text is told */
    return ok && n > 0;
}

static void on_info(const SSL *session, int where, int what)
{
    const struct cert_hook *hook = cert_session_hook(session);

    if (where == SSL_CB_WRITE_ALERT && what >> 8 == SSL3_AL_FATAL && hook && hook->on_refusal)
        hook->on_refusal(hook->arg, SSL_get_fd(session));
}

static void set_rules(SSL_CTX *ctx)
{
    SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
    /* No tickets: every connection shows its certificate again, and no state outlives it. */
    SSL_CTX_set_num_tickets(ctx, 0);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    /* Lengths are framed by HTTP; a peer that just hangs up is no protocol error. */
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL); /* optional, but never unverified */
    SSL_CTX_set_verify_depth(ctx, CHAIN_DEPTH_MAX);
    SSL_CTX_set_info_callback(ctx, on_info);
}

int cert_server_new(struct slice cert_pem, struct slice key_pem, struct slice ca_pem,
                    struct cert_server **ret, struct err *err)
{
    struct cert_server *s = calloc(1, sizeof(*s));
    int r = 0;

    if (s)
        s->ctx = SSL_CTX_new(TLS_server_method());
    if (!s || !s->ctx) {
        cert_server_free(s);
        return err_set(err, -ENOMEM, "make a TLS context: %m");
    }
    set_rules(s->ctx);
    if (!use_cert(s->ctx, cert_pem))
        r = cert_fail(err, -EINVAL, "the server's certificate");
    else if (!use_key(s->ctx, key_pem))
        r = cert_fail(err, -EINVAL, "the server's key");
    else if (!use_cas(s->ctx, ca_pem))
        r = cert_fail(err, -EINVAL, "the CA's certificate");
    if (r < 0) {
        cert_server_free(s);
        return r;
    }
    *ret = s;
    return 0;
}

void cert_server_free(struct cert_server *s)
{
    if (!s)
        return;
    SSL_CTX_free(s->ctx);
    free(s);
}

/* OpenSSL numbers the pointers that a session may carry; ours is taken once. */
static pthread_once_t hook_once = PTHREAD_ONCE_INIT;
static int hook_index = -1;

static void hook_call(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int index, long argl, void *argp)
{
    const struct cert_hook *hook = ptr;

    (void)parent;
    (void)ad;
    (void)index;
    (void)argl;
    (void)argp;
    if (hook)
        hook->on_free(hook->arg);
}

static void hook_take_index(void)
{
    hook_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, hook_call);
}

struct ssl_st *cert_server_session(struct cert_server *s, const struct cert_hook *hook)
{
    SSL *session;

    pthread_once(&hook_once, hook_take_index);
    session = hook_index >= 0 ? SSL_new(s->ctx) : NULL;
    if (!session)
        return NULL;
    SSL_set_accept_state(session);
    if (hook && SSL_set_ex_data(session, hook_index, (void *)(uintptr_t)hook) != 1) {
        SSL_free(session);
        return NULL;
    }
    return session;
}

const struct cert_hook *cert_session_hook(const struct ssl_st *session)
{
    return hook_index >= 0 ? SSL_get_ex_data(session, hook_index) : NULL;
}

/* One part of a name, whole: text with a NUL inside or too long does not count. */
static bool name_part(const X509_NAME *name, int nid, char *out)
{
    const int at = X509_NAME_get_index_by_NID(name, nid, -1);
    unsigned char *text = NULL;
    int len;
    bool ok;

    if (at < 0)
        return false;
    len = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    ok = len > 0 && len < CERT_ID_MAX && strlen((const char *)text) == (size_t)len;
    if (ok)
        memcpy(out, text, (size_t)len + 1);
    OPENSSL_free(text);
    return ok;
}

static const X509 *verified_peer(struct ssl_st *session)
{
    return SSL_get_verify_result(session) == X509_V_OK ? SSL_get0_peer_certificate(session) : NULL;
}

int cert_peer(struct ssl_st *session, char *out_identity, char *out_unit)
{
    const X509 *peer = verified_peer(session);
    const X509_NAME *name = peer ? X509_get_subject_name(peer) : NULL;
    char identity[CERT_ID_MAX], unit[CERT_ID_MAX];

    if (!name || !name_part(name, NID_commonName, identity) ||
        !name_part(name, NID_organizationalUnitName, unit))
        return -ENOENT;
    memcpy(out_identity, identity, CERT_ID_MAX);
    memcpy(out_unit, unit, CERT_ID_MAX);
    return 0;
}

int cert_peer_fingerprint(struct ssl_st *session, uint8_t *out)
{
    const X509 *peer = verified_peer(session);

    if (!peer || X509_digest(peer, EVP_sha256(), out, NULL) != 1)
        return -ENOENT;
    return 0;
}

static bool has_pin(const X509 *cert, const uint8_t *pin)
{
    unsigned char *spki = NULL;
    const int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &spki);
    uint8_t hash[CRYPTO_SHA256_LEN];

    if (len <= 0)
        return false;
    crypto_sha256(slice_of(spki, (size_t)len), hash);
    OPENSSL_free(spki);
    return crypto_equal(hash, pin, CERT_PIN_LEN);
}

static X509 *find_pinned_ca(STACK_OF(X509) * chain, const uint8_t *pin)
{
    for (int i = 0; i < sk_X509_num(chain); i++) {
        X509 *cert = sk_X509_value(chain, i);

        if (has_pin(cert, pin) && X509_check_ca(cert) >= 1)
            return cert;
    }
    return NULL;
}

/*
 * Trust exactly the CA whose key is pinned. Whoever made the certificate that carries the key,
 * only the key's owner can have signed the leaf; dates, purpose and signatures are checked by
 * OpenSSL as with any other root.
 */
static int verify_by_pin_alone(X509_STORE_CTX *store, struct cert_pinned *p)
{
    X509 *ca = find_pinned_ca(X509_STORE_CTX_get0_untrusted(store), p->pin);
    STACK_OF(X509) *trusted = ca ? sk_X509_new_null() : NULL;
    int ok = 0;

    p->mismatch = !ca;
    if (trusted && sk_X509_push(trusted, ca) > 0) {
        X509_STORE_CTX_set0_trusted_stack(store, trusted);
        X509_STORE_CTX_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
        ok = X509_verify_cert(store);
        X509_STORE_CTX_set0_trusted_stack(store, NULL);
    } else {
        X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_UNTRUSTED);
    }
    sk_X509_free(trusted);
    return ok;
}

static int verify_and_find_pin(X509_STORE_CTX *store, struct cert_pinned *p)
{
    if (X509_verify_cert(store) != 1)
        return 0;
    p->mismatch = !find_pinned_ca(X509_STORE_CTX_get0_chain(store), p->pin);
    if (p->mismatch)
        X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_UNTRUSTED);
    return !p->mismatch;
}

static int verify_pinned(X509_STORE_CTX *store, void *arg)
{
    struct cert_pinned *p = arg;
    const int ok = p->pin_alone ? verify_by_pin_alone(store, p) : verify_and_find_pin(store, p);

    return ok == 1;
}

void cert_pin_require(struct ssl_ctx_st *client, struct cert_pinned *pinned)
{
    SSL_CTX_set_verify(client, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(client, verify_pinned, pinned);
}
