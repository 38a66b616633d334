/* SPDX-License-Identifier: Apache-2.0 */
/* Who is at the other end: certificates and pins of http and httpd, good and bad, on both sides. */
#include "tests/httpd_fixture.h"

#include "base/gw.h"

#include "base/banned.h"

static void server_learns_who_the_client_is(void **state)
{
    struct world *w = *state;
    const struct http_conf agent = agent_conf(w);
    const struct http_conf nobody = {.ca_file = w->pki.ca.cert_file};
    auto_reply struct http_reply reply = {0};

    assert_ok(get(&w->server, &agent, "/who", &reply, NULL));
    assert_string_equal("h-agent|agent|64|127.0.0.1", buf_cstr(&reply.body));
    assert_ok(get(&w->server, &nobody, "/who", &reply, NULL));
    assert_string_equal("||0|127.0.0.1", buf_cstr(&reply.body));
}

static int get_as(struct world *w, const struct identity *who)
{
    const struct http_conf conf = {
        .ca_file = w->pki.ca.cert_file, .cert_file = who->cert_file, .key_file = who->key_file};
    auto_reply struct http_reply reply = {0};

    return get(&w->server, &conf, "/who", &reply, NULL);
}

static void client_certificates_that_do_not_verify_are_refused(void **state)
{
    struct world *w = *state;
    const struct wish foreign = {.name = "h-foreign", .unit = "agent"};
    const struct wish expired = {
        .name = "h-old", .unit = "agent", .starts_ms = -3 * (int64_t)DAY_MS};
    const struct wish early = {.name = "h-early", .unit = "agent", .starts_ms = DAY_MS};
    struct identity other_ca, id;

    identity_ca(&other_ca, w->pki.dir, "ca"); /* the same name, another key */
    identity_save(&w->pki.ca, w->pki.dir, "ca");
    identity_leaf(&id, w->pki.dir, &other_ca, &foreign);
    assert_fails(-EPROTO, get_as(w, &id));
    identity_done(&id);
    identity_leaf(&id, w->pki.dir, &w->pki.ca, &expired);
    assert_fails(-EPROTO, get_as(w, &id));
    identity_done(&id);
    identity_leaf(&id, w->pki.dir, &w->pki.ca, &early);
    assert_fails(-EPROTO, get_as(w, &id));
    identity_done(&id);
    assert_fails(-EPROTO, get_as(w, &w->pki.planner)); /* made to serve, not to ask */
    assert_int_equal(0, w->server.n_served);
    identity_done(&other_ca);
}

static void client_without_its_key_fails_before_it_connects(void **state)
{
    struct world *w = *state;
    struct http_conf conf = agent_conf(w);
    auto_reply struct http_reply reply = {0};

    conf.key_file = w->pki.planner.key_file;
    assert_fails(-EINVAL, get(&w->server, &conf, "/", &reply, NULL));
    conf.key_file = "/nonexistent";
    assert_fails(-EINVAL, get(&w->server, &conf, "/", &reply, NULL));
    conf = (struct http_conf){.ca_file = "/nonexistent"};
    assert_fails(-EINVAL, get(&w->server, &conf, "/", &reply, NULL));
}

/* A GET to a server with this identity, that sends this CA. */
static int get_from(const struct identity *who, const struct identity *sent_ca,
                    const struct http_conf *conf, struct err *err)
{
    auto_reply struct http_reply reply = {0};
    struct server s;
    int r;

    server_start(&s, who, sent_ca, server_serve, NULL);
    r = get(&s, conf, "/", &reply, err);
    server_stop(&s);
    return r;
}

static void server_that_does_not_verify_is_refused(void **state)
{
    struct world *w = *state;
    const struct http_conf by_ca = {.ca_file = w->pki.ca.cert_file};
    const struct http_conf by_pin = {.pin = w->pki.pin};
    const struct http_conf *const both[] = {&by_ca, &by_pin};
    static const char *const other_hosts[] = {"planner.example", "127.0.0.2", NULL};
    const struct wish wishes[] = {
        {.name = "wrong-host", .unit = "planner", .hosts = other_hosts},
        {.name = "no-host", .unit = "planner"},
        {.name = "old",
         .unit = "planner",
         .hosts = loopback_hosts,
         .starts_ms = -3 * (int64_t)DAY_MS},
        {.name = "early", .unit = "planner", .hosts = loopback_hosts, .starts_ms = DAY_MS},
        {.name = "no-server", .unit = "agent", .hosts = loopback_hosts},
    };

    for (size_t i = 0; i < ARRAY_LEN(wishes); i++) {
        struct identity id;

        identity_leaf(&id, w->pki.dir, &w->pki.ca, &wishes[i]);
        for (size_t k = 0; k < ARRAY_LEN(both); k++) {
            struct err err = {0};

            if (get_from(&id, &w->pki.ca, both[k], &err) != -EPROTO)
                fail_msg("%s was not refused: %s", wishes[i].name, err.text);
            assert_int_not_equal(GW_PIN_MISMATCH, err.gw);
            assert_false(err.retryable);
        }
        identity_done(&id);
    }
    assert_ok(get_from(&w->pki.planner, &w->pki.ca, &by_ca, NULL));
    assert_ok(get_from(&w->pki.planner, &w->pki.ca, &by_pin, NULL));
}

static void server_of_another_ca_is_refused(void **state)
{
    struct world *w = *state;
    const struct wish wish = {.name = "fake", .unit = "planner", .hosts = loopback_hosts};
    const struct http_conf by_ca = {.ca_file = w->pki.ca.cert_file};
    const struct http_conf by_pin = {.pin = w->pki.pin};
    struct identity other_ca, fake;
    struct err err = {0};

    identity_ca(&other_ca, w->pki.dir, "other-ca");
    identity_leaf(&fake, w->pki.dir, &other_ca, &wish);
    assert_fails(-EPROTO, get_from(&fake, &other_ca, &by_ca, &err));
    assert_int_equal(0, err.gw);
    assert_fails(-EPROTO, get_from(&fake, &other_ca, &by_pin, &err));
    assert_int_equal(GW_PIN_MISMATCH, err.gw);
    /* It shows the pinned CA, which everybody can, but is not signed by it. */
    assert_fails(-EPROTO, get_from(&fake, &w->pki.ca, &by_pin, &err));
    assert_false(err.retryable);
    identity_done(&other_ca);
    identity_done(&fake);
}

static void pin_beside_a_ca_file_is_checked_too(void **state)
{
    struct world *w = *state;
    uint8_t wrong[CERT_PIN_LEN];
    struct http_conf conf = {.ca_file = w->pki.ca.cert_file, .pin = w->pki.pin};
    auto_reply struct http_reply reply = {0};
    struct err err = {0};

    assert_ok(get(&w->server, &conf, "/", &reply, &err));
    memcpy(wrong, w->pki.pin, sizeof(wrong));
    wrong[31] ^= 1;
    conf.pin = wrong;
    assert_fails(-EPROTO, get(&w->server, &conf, "/", &reply, &err));
    assert_int_equal(GW_PIN_MISMATCH, err.gw);
    conf.ca_file = NULL;
    assert_fails(-EPROTO, get(&w->server, &conf, "/", &reply, &err));
    assert_int_equal(GW_PIN_MISMATCH, err.gw);
    assert_int_equal(1, w->server.n_served);
}

static void pin_of_the_leaf_is_not_the_pin_of_a_ca(void **state)
{
    struct world *w = *state;
    uint8_t leaf[CERT_PIN_LEN];
    const struct http_conf conf = {.pin = leaf};
    auto_reply struct http_reply reply = {0};

    assert_ok(cert_pin(buf_slice(&w->pki.planner.cert), leaf, NULL));
    assert_fails(-EPROTO, get(&w->server, &conf, "/", &reply, NULL));
}

static void pin_and_certificate_never_go_in_the_clear(void **state)
{
    struct world *w = *state;
    const struct http_conf confs[] = {{.pin = w->pki.pin}, agent_conf(w)};
    const struct http_request req = {.method = "GET", .url = "http://127.0.0.1:1/"};
    auto_reply struct http_reply reply = {0};

    for (size_t i = 0; i < ARRAY_LEN(confs); i++) {
        auto_http struct http *h = NULL;

        assert_ok(http_new(&confs[i], &h, NULL));
        assert_fails(-EPROTO, http_do(h, &req, &reply, NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(server_learns_who_the_client_is),
        WITH_WORLD(client_certificates_that_do_not_verify_are_refused),
        WITH_WORLD(client_without_its_key_fails_before_it_connects),
        WITH_WORLD(server_that_does_not_verify_is_refused),
        WITH_WORLD(server_of_another_ca_is_refused),
        WITH_WORLD(pin_beside_a_ca_file_is_checked_too),
        WITH_WORLD(pin_of_the_leaf_is_not_the_pin_of_a_ca),
        WITH_WORLD(pin_and_certificate_never_go_in_the_clear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
