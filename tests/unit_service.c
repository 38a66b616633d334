/* SPDX-License-Identifier: Apache-2.0 */
/* Small parsers of the service: listen addresses, tokens, one replica of a report. */
#include "tests/unit.h"

#include "base/js.h"
#include "planner/service/db_workload.h"
#include "planner/service/report.h"
#include "planner/service/service_own.h"
#include "planner/service/token.h"

#include "base/banned.h"

static void listen_addresses_are_split(void **state)
{
    static const struct {
        const char *text, *address;
        uint16_t port;
    } good[] = {{"127.0.0.1:7443", "127.0.0.1", 7443},
                {"[::1]:0", "::1", 0},
                {"host:65535", "host", 65535}};
    char address[64];
    uint16_t port;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_ok(service_split_listen(good[i].text, address, sizeof(address), &port, NULL));
        assert_string_equal(good[i].address, address);
        assert_int_equal(good[i].port, port);
    }
}

static void bad_listen_addresses_are_refused(void **state)
{
    static const char *const bad[] = {"",        ":1",    "host",     "host:", "host:65536",
                                      "host:-1", "[::1]", "[::1:443", "[]:1",  "host:1x"};
    char address[64];
    uint16_t port;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_fails(-EINVAL, service_split_listen(bad[i], address, sizeof(address), &port, NULL));
    assert_fails(-EINVAL, service_split_listen("0123456789:1", address, 10, &port, NULL));
}

static void tokens_come_apart(void **state)
{
    struct token_parts p;

    (void)state;
    assert_ok(token_parse("gw1.PIN.t-1.SECRET", &p, NULL));
    assert_int_equal(TOKEN_JOIN, p.kind);
    assert_string_equal("PIN", p.pin);
    assert_string_equal("t-1", p.id);
    assert_string_equal("SECRET", p.secret);
    assert_ok(token_parse("gwo1.t-1.SECRET", &p, NULL));
    assert_int_equal(TOKEN_OPERATOR, p.kind);
}

static void malformed_tokens_are_refused(void **state)
{
    static const char *const bad[] = {"",          "gw1",    "gw1.a.b",    "gw1.a.b.c.d",
                                      "gw2.a.b.c", "gwo1.a", "gwo1.a.b.c", "gw1..b.",
                                      "GW1.a.b.c", "gwo1..", "...",        "gw1.a.b."};
    char big[2 * TOKEN_TEXT_MAX];
    struct token_parts p = {.id = "untouched"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_fails(-EINVAL, token_parse(bad[i], &p, NULL));
    memset(big, 'x', sizeof(big));
    big[sizeof(big) - 1] = '\0';
    assert_fails(-EINVAL, token_parse(big, &p, NULL));
    assert_string_equal("untouched", p.id);
}

static int parse_replica(const char *text, struct db_replication *ret)
{
    auto_js struct js *doc = NULL;

    assert_ok(js_parse(slice_str(text), 4096, &doc, NULL));
    return report_parse(doc, ret, NULL);
}

static void a_replica_is_read(void **state)
{
    struct db_replication r;

    (void)state;
    assert_ok(parse_replica("{\"volume\": \"data\", \"role\": \"push\", \"state\": \"backlog\","
                            " \"epoch\": 2, \"seq\": 7, \"taken_at\": \"1970-01-01T00:00:05Z\","
                            " \"write_bytes_per_s\": 1.5, \"pass_s\": 0.25,"
                            " \"error\": {\"what\": \"bad\\u001b[1m\"}}",
                            &r));
    assert_string_equal("data", r.volume);
    assert_int_equal(2, r.epoch);
    assert_int_equal(7, r.seq);
    assert_int_equal(5000, r.taken_ms);
    assert_int_equal(0, r.verified_ms);
    assert_int_equal(1, r.write_bytes_per_s);
    assert_null(strchr(r.error, '\033')); /* it will reach a terminal */
}

static void a_bad_replica_is_refused(void **state)
{
    struct db_replication r;

    (void)state;
    assert_fails(-EINVAL, parse_replica("{}", &r));
    assert_fails(-EINVAL, parse_replica("{\"volume\": 7}", &r));
    assert_fails(-EINVAL, parse_replica(
                              "{\"volume\": \"d\", \"state\": \"0123456789012345678901234\"}", &r));
    assert_fails(-EINVAL, parse_replica("{\"volume\": \"d\", \"taken_at\": \"noon\"}", &r));
}

static void numbers_that_make_no_sense_are_nothing(void **state)
{
    struct db_replication r;

    (void)state;
    assert_ok(parse_replica("{\"volume\": \"d\", \"write_bytes_per_s\": -1, \"pass_s\": -3,"
                            " \"send_bytes_per_s\": 1e300, \"size_bytes\": -5}",
                            &r));
    assert_int_equal(0, r.write_bytes_per_s);
    assert_int_equal(0, r.send_bytes_per_s);
    assert_int_equal(0, r.size_bytes);
    assert_true(r.pass_s >= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listen_addresses_are_split),
        cmocka_unit_test(bad_listen_addresses_are_refused),
        cmocka_unit_test(tokens_come_apart),
        cmocka_unit_test(malformed_tokens_are_refused),
        cmocka_unit_test(a_replica_is_read),
        cmocka_unit_test(a_bad_replica_is_refused),
        cmocka_unit_test(numbers_that_make_no_sense_are_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
