/* SPDX-License-Identifier: Apache-2.0 */
/* cert: what is issued, for how long, to whom, and which requests are refused. openssl(1), when it
 * is there, is the second opinion. */
#include "tests/unit.h"

#include "base/cert.h"
#include "base/fd.h"
#include "base/proc.h"

#include "base/banned.h"

#define NOW_MS 1765144800000ull /* 2025-12-07T22:00:00Z */
#define HOUR_MS 3600000ull
#define DAY_MS (24 * HOUR_MS)

struct ca {
    struct buf key, cert;
};

static int setup(void **state)
{
    struct ca *ca = calloc(1, sizeof(*ca));

    assert_ok(cert_key_new(&ca->key, NULL));
    assert_ok(cert_ca_new(buf_slice(&ca->key), "godwit test CA", 30, NOW_MS, &ca->cert, NULL));
    *state = ca;
    return 0;
}

static int teardown(void **state)
{
    struct ca *ca = *state;

    buf_done(&ca->key);
    buf_done(&ca->cert);
    free(ca);
    return 0;
}

static struct cert_issue issue_of(const struct ca *ca, const struct buf *csr)
{
    return (struct cert_issue){.ca_cert_pem = buf_slice(&ca->cert),
                               .ca_key_pem = buf_slice(&ca->key),
                               .csr_pem = buf_slice(csr),
                               .identity = "h-1",
                               .unit = "agent",
                               .now_ms = NOW_MS,
                               .valid_ms = DAY_MS};
}

static void new_request(struct buf *csr)
{
    auto_buf struct buf key = {0};

    assert_ok(cert_key_new(&key, NULL));
    assert_ok(cert_request(buf_slice(&key), "h-asked", csr, NULL));
}

static void keys_are_pkcs8_and_differ(void **state)
{
    auto_buf struct buf a = {0}, b = {0};

    (void)state;
    assert_ok(cert_key_new(&a, NULL));
    assert_ok(cert_key_new(&b, NULL));
    assert_non_null(strstr(buf_cstr(&a), "-----BEGIN PRIVATE KEY-----"));
    assert_string_not_equal(buf_cstr(&a), buf_cstr(&b));
}

static void validity_is_what_was_asked_and_starts_a_little_earlier(void **state)
{
    struct ca *ca = *state;
    auto_buf struct buf csr = {0}, cert = {0};
    struct cert_issue issue;
    uint64_t from_ms, until_ms;

    new_request(&csr);
    issue = issue_of(ca, &csr);
    assert_ok(cert_sign(&issue, &cert, NULL));
    assert_ok(cert_validity(buf_slice(&cert), &from_ms, &until_ms, NULL));
    assert_int_equal(NOW_MS - 5 * 60 * 1000, from_ms);
    assert_int_equal(NOW_MS + DAY_MS, until_ms);
    assert_ok(cert_validity(buf_slice(&ca->cert), &from_ms, &until_ms, NULL));
    assert_int_equal(NOW_MS + 30 * DAY_MS, until_ms);
}

static void certificate_never_outlives_its_ca(void **state)
{
    struct ca *ca = *state;
    auto_buf struct buf csr = {0}, cert = {0};
    struct cert_issue issue;
    uint64_t from_ms, until_ms;

    new_request(&csr);
    issue = issue_of(ca, &csr);
    issue.now_ms = NOW_MS + 29 * DAY_MS;
    issue.valid_ms = 365 * DAY_MS;
    assert_ok(cert_sign(&issue, &cert, NULL));
    assert_ok(cert_validity(buf_slice(&cert), &from_ms, &until_ms, NULL));
    assert_int_equal(NOW_MS + 30 * DAY_MS, until_ms);
    buf_clear(&cert);
    issue.now_ms = NOW_MS + 30 * DAY_MS;
    assert_fails(-EINVAL, cert_sign(&issue, &cert, NULL));
    issue.now_ms = NOW_MS;
    issue.valid_ms = UINT64_MAX;
    assert_fails(-EINVAL, cert_sign(&issue, &cert, NULL));
    assert_int_equal(0, cert.len);
}

static void pin_belongs_to_the_key_not_to_the_certificate(void **state)
{
    struct ca *ca = *state;
    auto_buf struct buf again = {0}, other_key = {0}, other = {0};
    uint8_t a[CERT_PIN_LEN], b[CERT_PIN_LEN], c[CERT_PIN_LEN];

    assert_ok(cert_ca_new(buf_slice(&ca->key), "another name", 5, NOW_MS, &again, NULL));
    assert_ok(cert_key_new(&other_key, NULL));
    assert_ok(cert_ca_new(buf_slice(&other_key), "godwit test CA", 30, NOW_MS, &other, NULL));
    assert_ok(cert_pin(buf_slice(&ca->cert), a, NULL));
    assert_ok(cert_pin(buf_slice(&again), b, NULL));
    assert_ok(cert_pin(buf_slice(&other), c, NULL));
    assert_memory_equal(a, b, sizeof(a));
    assert_memory_not_equal(a, c, sizeof(a));
}

static void serials_are_random(void **state)
{
    struct ca *ca = *state;
    auto_buf struct buf csr = {0}, one = {0}, two = {0};
    struct cert_issue issue;

    new_request(&csr);
    issue = issue_of(ca, &csr);
    assert_ok(cert_sign(&issue, &one, NULL));
    assert_ok(cert_sign(&issue, &two, NULL));
    assert_string_not_equal(buf_cstr(&one), buf_cstr(&two));
}

static void request_with_any_byte_changed_is_refused(void **state)
{
    struct ca *ca = *state;
    auto_buf struct buf csr = {0}, cert = {0};
    struct cert_issue issue;
    const size_t begin = strlen("-----BEGIN CERTIFICATE REQUEST-----\n");
    size_t refused = 0, tried = 0;

    new_request(&csr);
    issue = issue_of(ca, &csr);
    for (size_t i = begin; i < csr.len - begin; i++) {
        const uint8_t old = csr.data[i];

        if (old == '\n' || old == '=')
            continue;
        csr.data[i] = old == 'A' ? 'B' : 'A';
        tried++;
        refused += cert_sign(&issue, &cert, NULL) == -EINVAL;
        csr.data[i] = old;
    }
    /* The last digit before padding may hold bits that no decoder reads. */
    assert_true(tried > 100 && refused + 1 >= tried);
    buf_clear(&cert);
    assert_ok(cert_sign(&issue, &cert, NULL));
}

/* An RSA request made with openssl(1), signed correctly. */
static const char rsa_request[] =
    "-----BEGIN CERTIFICATE REQUEST-----\n"
    "MIICVTCCAT0CAQAwEDEOMAwGA1UEAwwFaC1yc2EwggEiMA0GCSqGSIb3DQEBAQUA\n"
    "A4IBDwAwggEKAoIBAQCbxbQGN+5ty6u15SL1iPVXqnkAOTppqLVCAu9x5DAtO3Rf\n"
    "Kn2z+YQvAFFH1HRkl0iABJw5I+xiRf8oNAwFPz49VF2IIyUlVdksJxY9NoEIf1yI\n"
    "33u0TDnajn72CMf2BZ01E2ASuK4sRgdM3mxnZCJqGR2A8bUOinv707MGiuREaU9i\n"
    "d5B/rLEUJb12YuxdUmWiX5Xkx/qNlVOGirFMsjiDwQEFwa1Gbar78A9EIrQgW/zA\n"
    "6Y2AImeZpnAc4MtsSU62M4lf5AoUhLNGN9EdJCZJWSvsYhVf9GeYJYV1DnSRZA8x\n"
    "Fo4lHQfYS1kpb6h6LJ50tnZlfAY1N2ytKg5pscr7AgMBAAGgADANBgkqhkiG9w0B\n"
    "AQsFAAOCAQEAmjFDcwBjXiNbePY4qx+riSuojIOfhuNnhcYrL36v4CqqSMTrGmds\n"
    "6fK2Nfr06dIh46NQCIr/lrxZSovUdPXgdxa42AVMtmQ7E+cZMAbE3FOON8EkXjYy\n"
    "bpSTB+hDtXZh3kRt0KQok1k1zfG8gjvFVVhHnwYCbdCZHZvRB9LkE54JFZA55CsR\n"
    "xnLeQEOQA23s2ve0q8r32D+lKkUcvukBRv9QzcxPlOS+ASLdINpue8f055NiqmR/\n"
    "nZpE3/nq78dvx+x+4RK26XeTlE1BMpcDtLqAumK7jHG5YmmQBXTKnahYyug+bhca\n"
    "ljzZrHuKCKqeJn+XiZ8RDic6OCj/dr8WrA==\n"
    "-----END CERTIFICATE REQUEST-----\n";

static void request_with_another_kind_of_key_is_refused(void **state)
{
    struct ca *ca = *state;
    auto_buf struct buf csr = {0}, cert = {0};
    struct cert_issue issue;
    struct err err = {0};

    buf_str(&csr, rsa_request);
    issue = issue_of(ca, &csr);
    assert_fails(-EINVAL, cert_sign(&issue, &cert, &err));
    assert_non_null(strstr(err.text, "P-256"));
}

static void wrong_pem_is_refused_everywhere(void **state)
{
    struct ca *ca = *state;
    static const char *const texts[] = {"", "x",
                                        "-----BEGIN CERTIFICATE-----\nAAAA\n"
                                        "-----END CERTIFICATE-----\n"};
    auto_buf struct buf out = {0}, csr = {0};
    uint64_t from_ms, until_ms;
    uint8_t pin[CERT_PIN_LEN];
    struct cert_issue issue;

    new_request(&csr);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        const struct slice bad = slice_str(texts[i]);

        assert_fails(-EINVAL, cert_pin(bad, pin, NULL));
        assert_fails(-EINVAL, cert_validity(bad, &from_ms, &until_ms, NULL));
        assert_fails(-EINVAL, cert_request(bad, "h-1", &out, NULL));
        assert_fails(-EINVAL, cert_ca_new(bad, "CA", 1, NOW_MS, &out, NULL));
        issue = issue_of(ca, &csr);
        issue.csr_pem = bad;
        assert_fails(-EINVAL, cert_sign(&issue, &out, NULL));
        issue = issue_of(ca, &csr);
        issue.ca_cert_pem = bad;
        assert_fails(-EINVAL, cert_sign(&issue, &out, NULL));
        issue = issue_of(ca, &csr);
        issue.ca_key_pem = bad;
        assert_fails(-EINVAL, cert_sign(&issue, &out, NULL));
    }
    assert_fails(-EINVAL, cert_pin(buf_slice(&ca->key), pin, NULL));
    assert_int_equal(0, out.len);
}

static void encrypted_key_is_refused_and_nobody_is_asked(void **state)
{
    static const char encrypted[] =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
        "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhSwBil6IZTjgICCAAw\n"
        "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEKNaKPPxiHYD+exWVo7g9FkEgZBw\n"
        "HZqMo9ePl+Cie+UlU7OfRiDkEVkTWjZwtrKk1SITMSqR+kLVUTAIj5cBUJ/tHk02\n"
        "ueVLu+z2YhGpW5o1OI1sgZb8Q1tRMBLnPs8wvthCJGyw/wggdiQmFx47Cfvay0QX\n"
        "IX0xPQmKKtogeJOY8dFiw96BXoki2F2nWbuJ9+FkmGllixlMs3fxckl+2vp8QZE=\n"
        "-----END ENCRYPTED PRIVATE KEY-----\n";
    auto_buf struct buf out = {0};

    (void)state;
    assert_fails(-EINVAL, cert_request(slice_str(encrypted), "h-1", &out, NULL));
}

static void ca_that_does_not_hold_its_key_cannot_sign(void **state)
{
    struct ca *ca = *state;
    auto_buf struct buf csr = {0}, other = {0}, cert = {0};
    struct cert_issue issue;

    new_request(&csr);
    assert_ok(cert_key_new(&other, NULL));
    issue = issue_of(ca, &csr);
    issue.ca_key_pem = buf_slice(&other);
    assert_fails(-EINVAL, cert_sign(&issue, &cert, NULL));
}

static void names_are_checked(void **state)
{
    static const char *const bad_hosts[] = {"",        "a b",        "x\ny",
                                            "a,DNS:b", "1.2.3.4/24", "\xc3\xa4.example"};
    struct ca *ca = *state;
    auto_buf struct buf csr = {0}, cert = {0};
    char long_name[66];
    struct cert_issue issue;

    new_request(&csr);
    for (size_t i = 0; i < ARRAY_LEN(bad_hosts); i++) {
        const char *const hosts[] = {"good.example", bad_hosts[i], NULL};

        issue = issue_of(ca, &csr);
        issue.hosts = hosts;
        assert_fails(-EINVAL, cert_sign(&issue, &cert, NULL));
    }
    memset(long_name, 'n', 65);
    long_name[65] = '\0';
    issue = issue_of(ca, &csr);
    issue.identity = long_name;
    assert_fails(-EINVAL, cert_sign(&issue, &cert, NULL));
    issue.identity = "";
    assert_fails(-EINVAL, cert_sign(&issue, &cert, NULL));
    issue.identity = long_name + 1;
    assert_ok(cert_sign(&issue, &cert, NULL));
}

static void server_needs_a_certificate_that_fits_its_key(void **state)
{
    struct ca *ca = *state;
    auto_buf struct buf other = {0};
    struct cert_server *s = NULL;
    const struct slice cert = buf_slice(&ca->cert), key = buf_slice(&ca->key);

    assert_ok(cert_key_new(&other, NULL));
    assert_fails(-EINVAL, cert_server_new(cert, buf_slice(&other), cert, &s, NULL));
    assert_fails(-EINVAL, cert_server_new(slice_str("x"), key, cert, &s, NULL));
    assert_fails(-EINVAL, cert_server_new(cert, key, slice_str("x"), &s, NULL));
    assert_null(s);
    assert_ok(cert_server_new(cert, key, cert, &s, NULL));
    cert_server_free(s);
    cert_server_free(NULL);
}

/* -- what openssl(1) says ----------------------------------------------- */

struct opinion {
    char *dir;
    char ca[PATH_MAX], cert[PATH_MAX];
    struct buf text;
};

/* Run openssl; its output in text. Skips the test when there is none. */
static int openssl(const char *const *argv, struct buf *text)
{
    const struct proc_run run = {.argv = argv};
    int status = -1, r;

    buf_clear(text);
    r = proc_run(&run, text, &status, NULL);
    if (r == -ENOENT)
        skip();
    assert_ok(r);
    return status;
}

static void assert_says(struct buf *text, const char *part)
{
    if (!strstr(buf_cstr(text), part))
        fail_msg("'%s' is not in:\n%s", part, buf_cstr(text));
}

static void opinion_of(const struct ca *ca, const char *unit, const char *const *hosts,
                       struct opinion *o)
{
    auto_buf struct buf csr = {0}, cert = {0};
    struct cert_issue issue;

    *o = (struct opinion){.dir = unit_mkdir()};
    new_request(&csr);
    issue = issue_of(ca, &csr);
    issue.unit = unit;
    issue.hosts = hosts;
    assert_ok(cert_sign(&issue, &cert, NULL));
    assert_ok(fd_save(unit_path(o->dir, "ca", o->ca), buf_slice(&ca->cert), 0600, NULL));
    assert_ok(fd_save(unit_path(o->dir, "cert", o->cert), buf_slice(&cert), 0600, NULL));
}

static void opinion_done(struct opinion *o)
{
    buf_done(&o->text);
    unit_rmdir(o->dir);
}

static void planner_certificate_has_the_right_extensions(void **state)
{
    static const char *const hosts[] = {"planner.example", "192.0.2.7", "2001:db8::7", NULL};
    struct opinion o;

    opinion_of(*state, "planner", hosts, &o);
    openssl((const char *const[]){"openssl", "x509", "-in", o.cert, "-noout", "-text", NULL},
            &o.text);
    assert_says(&o.text, "Version: 3");
    assert_says(&o.text, "prime256v1");
    assert_says(&o.text, "ecdsa-with-SHA256");
    assert_says(&o.text, "CN = h-1, OU = planner"); /* not what the request asked for */
    assert_says(&o.text, "Issuer: CN = godwit test CA, OU = ca");
    assert_says(&o.text, "X509v3 Basic Constraints: critical\n                CA:FALSE");
    assert_says(&o.text, "X509v3 Key Usage: critical\n                Digital Signature\n");
    assert_says(&o.text, "TLS Web Server Authentication\n");
    assert_says(&o.text, "X509v3 Subject Key Identifier");
    assert_says(&o.text, "X509v3 Authority Key Identifier");
    assert_says(&o.text, "DNS:planner.example, IP Address:192.0.2.7, "
                         "IP Address:2001:DB8:0:0:0:0:0:7\n");
    opinion_done(&o);
}

static void ca_certificate_has_the_right_extensions(void **state)
{
    struct opinion o;

    opinion_of(*state, "agent", NULL, &o);
    openssl((const char *const[]){"openssl", "x509", "-in", o.ca, "-noout", "-text", NULL},
            &o.text);
    assert_says(&o.text, "X509v3 Basic Constraints: critical\n                CA:TRUE, pathlen:0");
    assert_says(&o.text,
                "X509v3 Key Usage: critical\n                Certificate Sign, CRL Sign\n");
    opinion_done(&o);
}

static void chain_verifies_for_its_purpose_only(void **state)
{
    static const char *const units[] = {"agent", "planner"};
    static const char *const purposes[] = {"sslclient", "sslserver"};

    for (size_t unit = 0; unit < 2; unit++) {
        for (size_t purpose = 0; purpose < 2; purpose++) {
            struct opinion o;
            int status;

            opinion_of(*state, units[unit], NULL, &o);
            status = openssl((const char *const[]){"openssl", "verify", "-x509_strict", "-attime",
                                                   "1765144800", "-purpose", purposes[purpose],
                                                   "-CAfile", o.ca, o.cert, NULL},
                             &o.text);
            if ((status == 0) != (unit == purpose))
                fail_msg("%s as %s: %s", units[unit], purposes[purpose], buf_cstr(&o.text));
            opinion_done(&o);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_pkcs8_and_differ),
        cmocka_unit_test(validity_is_what_was_asked_and_starts_a_little_earlier),
        cmocka_unit_test(certificate_never_outlives_its_ca),
        cmocka_unit_test(pin_belongs_to_the_key_not_to_the_certificate),
        cmocka_unit_test(serials_are_random),
        cmocka_unit_test(request_with_any_byte_changed_is_refused),
        cmocka_unit_test(request_with_another_kind_of_key_is_refused),
        cmocka_unit_test(wrong_pem_is_refused_everywhere),
        cmocka_unit_test(encrypted_key_is_refused_and_nobody_is_asked),
        cmocka_unit_test(ca_that_does_not_hold_its_key_cannot_sign),
        cmocka_unit_test(names_are_checked),
        cmocka_unit_test(server_needs_a_certificate_that_fits_its_key),
        cmocka_unit_test(planner_certificate_has_the_right_extensions),
        cmocka_unit_test(ca_certificate_has_the_right_extensions),
        cmocka_unit_test(chain_verifies_for_its_purpose_only),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
