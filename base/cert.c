/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys, certificates and requests of the project's own CA. Everything is EC P-256 and SHA-256;
 * names from outside become structures, never configuration text of OpenSSL.
 */
#include "base/cert_priv.h"

#include "base/crypto.h"
#include "base/err.h"

#include <arpa/inet.h>
#include <assert.h>
#include <limits.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <time.h>

#include "base/banned.h"

enum { PEM_MAX = 64 * 1024, SERIAL_BITS = 128, BACKDATE_S = 300, DAY_S = 86400 };

#define CLEANER(type, fn)                                                                          \
    static void fn##_p(type **p)                                                                   \
    {                                                                                              \
        fn(*p);                                                                                    \
    }
CLEANER(BIO, BIO_free_all)
CLEANER(BIGNUM, BN_free)
CLEANER(EVP_PKEY, EVP_PKEY_free)
CLEANER(X509, X509_free)
CLEANER(X509_REQ, X509_REQ_free)
CLEANER(GENERAL_NAME, GENERAL_NAME_free)
CLEANER(GENERAL_NAMES, GENERAL_NAMES_free)

int cert_fail(struct err *err, int code, const char *what)
{
    const unsigned long why = ERR_peek_last_error();
    const char *text = why ? ERR_reason_error_string(why) : NULL;

    ERR_clear_error();
    return err_set(err, code, "%s: %s", what, text ? text : "OpenSSL refused it");
}

int cert_no_password(char *out, int size, int writing, void *arg)
{
    (void)out;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

BIO *cert_bio(struct slice pem)
{
    return pem.len > 0 && pem.len <= PEM_MAX ? BIO_new_mem_buf(pem.data, (int)pem.len) : NULL;
}

static int parse_key(struct slice pem, EVP_PKEY **ret, struct err *err)
{
    AUTO(BIO_free_all_p) BIO *bio = cert_bio(pem);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, cert_no_password, NULL) : NULL;

    if (!key)
        return cert_fail(err, -EINVAL, "read a private key");
    *ret = key;
    return 0;
}

static int parse_cert(struct slice pem, X509 **ret, struct err *err)
{
    AUTO(BIO_free_all_p) BIO *bio = cert_bio(pem);
    X509 *cert = bio ? PEM_read_bio_X509(bio, NULL, cert_no_password, NULL) : NULL;

    if (!cert)
        return cert_fail(err, -EINVAL, "read a certificate");
    *ret = cert;
    return 0;
}

/* Move what was written to bio into out; all or nothing. */
static int take_pem(BIO *bio, struct buf *out, struct err *err)
{
    char *text = NULL;
    const long len = BIO_get_mem_data(bio, &text);

    if (len <= 0)
        return err_set(err, -ENOMEM, "write PEM: %m");
    if (buf_append(out, text, (size_t)len) < 0)
        return buf_failed(out, err);
    return 0;
}

int cert_key_new(struct buf *ret_key_pem, struct err *err)
{
    AUTO(EVP_PKEY_free_p) EVP_PKEY *key = EVP_EC_gen("P-256");
    AUTO(BIO_free_all_p) BIO *bio = BIO_new(BIO_s_mem()); /* wiped when it is freed */

    if (!key || !bio || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
        return cert_fail(err, -ENOMEM, "make a key");
    return take_pem(bio, ret_key_pem, err);
}

static bool name_add(X509_NAME *name, const char *field, const char *value)
{
    return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, (const unsigned char *)value, -1,
                                      -1, 0) == 1;
}

static int set_subject(X509_NAME *subject, const char *common, const char *unit, struct err *err)
{
    if (common[0] == '\0' || !name_add(subject, "CN", common) || !name_add(subject, "OU", unit))
        return cert_fail(err, -EINVAL, "a name in a certificate (1 to 64 characters)");
    return 0;
}

int cert_request(struct slice key_pem, const char *identity, struct buf *ret_csr_pem,
                 struct err *err)
{
    AUTO(X509_REQ_free_p) X509_REQ *req = X509_REQ_new();
    AUTO(BIO_free_all_p) BIO *bio = BIO_new(BIO_s_mem());
    AUTO(EVP_PKEY_free_p) EVP_PKEY *key = NULL;
    int r;

    r = parse_key(key_pem, &key, err);
    if (r < 0)
        return r;
    if (!req || !bio)
        return err_set(err, -ENOMEM, "make a request: %m");
    r = set_subject(X509_REQ_get_subject_name(req), identity, "agent", err);
    if (r < 0)
        return r;
    if (X509_REQ_set_version(req, X509_REQ_VERSION_1) != 1 || X509_REQ_set_pubkey(req, key) != 1 ||
        X509_REQ_sign(req, key, EVP_sha256()) <= 0 || PEM_write_bio_X509_REQ(bio, req) != 1)
        return cert_fail(err, -EINVAL, "sign a request");
    return take_pem(bio, ret_csr_pem, err);
}

static bool set_serial(X509 *cert)
{
    AUTO(BN_free_p) BIGNUM *serial = BN_new();

    /* The top bit stays clear: 16 octets, positive (RFC 5280, 4.1.2.2). */
    return serial && BN_rand(serial, SERIAL_BITS - 1, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
           BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert));
}

static bool set_dates(X509 *cert, uint64_t from_s, uint64_t until_s)
{
    return until_s <= INT64_MAX && ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)from_s) &&
           ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)until_s);
}

struct extension {
    int nid;
    const char *value; /* constant text of ours only */
};

static bool add_extensions(X509 *cert, X509 *issuer, const struct extension *list)
{
    X509V3_CTX ctx;

    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    for (; list->value; list++) {
        X509_EXTENSION *ext = X509V3_EXT_nconf_nid(NULL, &ctx, list->nid, list->value);
        const bool ok = ext && X509_add_ext(cert, ext, -1) == 1;

        X509_EXTENSION_free(ext);
        if (!ok)
            return false;
    }
    return true;
}

static int sign_and_print(X509 *cert, EVP_PKEY *key, struct buf *ret_pem, struct err *err)
{
    AUTO(BIO_free_all_p) BIO *bio = BIO_new(BIO_s_mem());

    if (!bio || X509_sign(cert, key, EVP_sha256()) <= 0 || PEM_write_bio_X509(bio, cert) != 1)
        return cert_fail(err, -EINVAL, "sign a certificate");
    return take_pem(bio, ret_pem, err);
}

int cert_ca_new(struct slice key_pem, const char *name, unsigned days, uint64_t now_ms,
                struct buf *ret_cert_pem, struct err *err)
{
    static const struct extension extensions[] = {
        {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
        {NID_key_usage, "critical,keyCertSign,cRLSign"},
        {NID_subject_key_identifier, "hash"},
        {0, NULL},
    };
    AUTO(X509_free_p) X509 *cert = X509_new();
    AUTO(EVP_PKEY_free_p) EVP_PKEY *key = NULL;
    const uint64_t now_s = now_ms / 1000;
    int r;

    r = parse_key(key_pem, &key, err);
    if (r < 0)
        return r;
    if (!cert)
        return err_set(err, -ENOMEM, "make a CA: %m");
    r = set_subject(X509_get_subject_name(cert), name, "ca", err);
    if (r < 0)
        return r;
    if (X509_set_version(cert, X509_VERSION_3) != 1 || !set_serial(cert) ||
        !set_dates(cert, now_s > BACKDATE_S ? now_s - BACKDATE_S : 0,
                   now_s + (uint64_t)days * DAY_S) ||
        X509_set_issuer_name(cert, X509_get_subject_name(cert)) != 1 ||
        X509_set_pubkey(cert, key) != 1 || !add_extensions(cert, cert, extensions))
        return cert_fail(err, -EINVAL, "make a CA");
    return sign_and_print(cert, key, ret_cert_pem, err);
}

/* The key of a request that proves to hold it. */
static int check_request(struct slice pem, EVP_PKEY **ret_key, struct err *err)
{
    AUTO(BIO_free_all_p) BIO *bio = cert_bio(pem);
    AUTO(X509_REQ_free_p) X509_REQ *req = NULL;
    AUTO(EVP_PKEY_free_p) EVP_PKEY *key = NULL;
    char group[32] = "";

    req = bio ? PEM_read_bio_X509_REQ(bio, NULL, cert_no_password, NULL) : NULL;
    key = req ? X509_REQ_get_pubkey(req) : NULL;
    if (!key)
        return cert_fail(err, -EINVAL, "read a certificate request");
    /* Only what our own programs make: a huge foreign key would be work for every handshake. */
    if (EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1 ||
        strcmp(group, SN_X9_62_prime256v1) != 0)
        return cert_fail(err, -EINVAL, "a certificate request must hold an EC P-256 key");
    if (X509_REQ_verify(req, key) != 1)
        return cert_fail(err, -EINVAL, "a certificate request is not signed by its own key");
    *ret_key = TAKE(key);
    return 0;
}

/* value of type, or NULL; the value is consumed in any case. */
static GENERAL_NAME *general_name(int type, const void *data, int len)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *value =
        ASN1_STRING_type_new(type == GEN_DNS ? V_ASN1_IA5STRING : V_ASN1_OCTET_STRING);

    if (!name || !value || ASN1_STRING_set(value, data, len) != 1) {
        GENERAL_NAME_free(name);
        ASN1_STRING_free(value);
        return NULL;
    }
    GENERAL_NAME_set0_value(name, type, value);
    return name;
}

static bool is_dns_name(const char *host)
{
    const size_t len = strlen(host);

    return len > 0 && len <= 253 &&
           strspn(host, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_*") ==
               len;
}

static GENERAL_NAME *name_of_host(const char *host)
{
    uint8_t address[16];

    if (inet_pton(AF_INET, host, address) == 1)
        return general_name(GEN_IPADD, address, 4);
    if (inet_pton(AF_INET6, host, address) == 1)
        return general_name(GEN_IPADD, address, 16);
    return is_dns_name(host) ? general_name(GEN_DNS, host, (int)strlen(host)) : NULL;
}

static int add_hosts(X509 *cert, const char *const *hosts, struct err *err)
{
    AUTO(GENERAL_NAMES_free_p) GENERAL_NAMES *names = GENERAL_NAMES_new();

    if (!hosts || !hosts[0])
        return 0;
    for (; names && *hosts; hosts++) {
        AUTO(GENERAL_NAME_free_p) GENERAL_NAME *name = name_of_host(*hosts);

        if (!name)
            return err_set(err, -EINVAL, "'%.64s' is neither a host name nor an address", *hosts);
        if (sk_GENERAL_NAME_push(names, name) <= 0)
            return err_set(err, -ENOMEM, "name a host: %m");
        name = NULL; /* names owns it */
    }
    if (!names || X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) != 1)
        return cert_fail(err, -ENOMEM, "name the hosts");
    return 0;
}

static int asn1_to_ms(const ASN1_TIME *t, uint64_t *ret_ms)
{
    struct tm tm = {0};
    time_t s;

    if (ASN1_TIME_to_tm(t, &tm) != 1)
        return -EINVAL;
    s = timegm(&tm);
    *ret_ms = s < 0 ? 0 : (uint64_t)s * 1000;
    return 0;
}

/* A certificate that outlives its CA would only look valid. */
static int set_leaf_dates(X509 *cert, const X509 *ca, const struct cert_issue *issue,
                          struct err *err)
{
    uint64_t from_s = issue->now_ms / 1000, until_ms, ca_until_ms;

    if (__builtin_add_overflow(issue->now_ms, issue->valid_ms, &until_ms) ||
        asn1_to_ms(X509_get0_notAfter(ca), &ca_until_ms) < 0)
        return err_set(err, -EINVAL, "the dates of a certificate");
    if (ca_until_ms <= issue->now_ms)
        return err_set(err, -EINVAL, "the CA's certificate has expired");
    if (until_ms > ca_until_ms)
        until_ms = ca_until_ms;
    if (!set_dates(cert, from_s > BACKDATE_S ? from_s - BACKDATE_S : 0, until_ms / 1000))
        return cert_fail(err, -EINVAL, "the dates of a certificate");
    return 0;
}

static int fill_leaf(X509 *cert, X509 *ca, EVP_PKEY *key, const struct cert_issue *issue,
                     struct err *err)
{
    const bool is_server = strcmp(issue->unit, "planner") == 0;
    const struct extension extensions[] = {
        {NID_basic_constraints, "critical,CA:FALSE"},
        {NID_key_usage, "critical,digitalSignature"},
        {NID_ext_key_usage, is_server ? "serverAuth" : "clientAuth"},
        {NID_subject_key_identifier, "hash"},
        {NID_authority_key_identifier, "keyid:always"},
        {0, NULL},
    };
    int r;

    r = set_subject(X509_get_subject_name(cert), issue->identity, issue->unit, err);
    if (r == 0)
        r = set_leaf_dates(cert, ca, issue, err);
    if (r < 0)
        return r;
    if (X509_set_version(cert, X509_VERSION_3) != 1 || !set_serial(cert) ||
        X509_set_issuer_name(cert, X509_get_subject_name(ca)) != 1 ||
        X509_set_pubkey(cert, key) != 1 || !add_extensions(cert, ca, extensions))
        return cert_fail(err, -EINVAL, "fill a certificate");
    return add_hosts(cert, issue->hosts, err);
}

int cert_sign(const struct cert_issue *issue, struct buf *ret_cert_pem, struct err *err)
{
    AUTO(EVP_PKEY_free_p) EVP_PKEY *key = NULL;
    AUTO(EVP_PKEY_free_p) EVP_PKEY *ca_key = NULL;
    AUTO(X509_free_p) X509 *ca = NULL;
    AUTO(X509_free_p) X509 *cert = X509_new();
    int r;

    r = check_request(issue->csr_pem, &key, err);
    if (r == 0)
        r = parse_cert(issue->ca_cert_pem, &ca, err);
    if (r == 0)
        r = parse_key(issue->ca_key_pem, &ca_key, err);
    if (r < 0)
        return r;
    if (X509_check_private_key(ca, ca_key) != 1)
        return cert_fail(err, -EINVAL, "the CA's key and certificate do not match");
    if (!cert)
        return err_set(err, -ENOMEM, "make a certificate: %m");
    r = fill_leaf(cert, ca, key, issue, err);
    if (r < 0)
        return r;
    return sign_and_print(cert, ca_key, ret_cert_pem, err);
}

int cert_pin(struct slice cert_pem, uint8_t *out, struct err *err)
{
    AUTO(X509_free_p) X509 *cert = NULL;
    unsigned char *spki = NULL;
    int r, len;

    r = parse_cert(cert_pem, &cert, err);
    if (r < 0)
        return r;
    len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &spki);
    if (len <= 0)
        return cert_fail(err, -EINVAL, "read the key of a certificate");
    crypto_sha256(slice_of(spki, (size_t)len), out);
    OPENSSL_free(spki);
    return 0;
}

int cert_fingerprint(struct slice cert_pem, uint8_t *out, struct err *err)
{
    AUTO(X509_free_p) X509 *cert = NULL;
    int r = parse_cert(cert_pem, &cert, err);

    if (r == 0 && X509_digest(cert, EVP_sha256(), out, NULL) != 1)
        return cert_fail(err, -EINVAL, "hash a certificate");
    return r;
}

int cert_validity(struct slice cert_pem, uint64_t *ret_from_ms, uint64_t *ret_until_ms,
                  struct err *err)
{
    AUTO(X509_free_p) X509 *cert = NULL;
    uint64_t from_ms, until_ms;
    int r;

    r = parse_cert(cert_pem, &cert, err);
    if (r < 0)
        return r;
    if (asn1_to_ms(X509_get0_notBefore(cert), &from_ms) < 0 ||
        asn1_to_ms(X509_get0_notAfter(cert), &until_ms) < 0)
        return cert_fail(err, -EINVAL, "read the dates of a certificate");
    *ret_from_ms = from_ms;
    *ret_until_ms = until_ms;
    return 0;
}
