/* SPDX-License-Identifier: Apache-2.0 */
/* http against httpd over TLS on loopback: what arrives, what is refused, and how waits end. */
#include "tests/httpd_fixture.h"
#include "tests/tls_raw.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/banned.h"

/* -- requests and replies ----------------------------------------------- */

static void bodies_headers_and_queries_arrive_whole(void **state)
{
    static const char *const headers[] = {"X-Ask: why", NULL};
    struct world *w = *state;
    const struct http_conf conf = agent_conf(w);
    auto_http struct http *h = NULL;
    auto_reply struct http_reply reply = {0};
    char url[256];
    struct http_request req = {.method = "PUT",
                               .url = server_url(&w->server, "/a%20b?q=%26%2f", url),
                               .headers = headers,
                               .body = slice_str("the body")};

    assert_ok(http_new(&conf, &h, NULL));
    assert_ok(http_do(h, &req, &reply, NULL));
    assert_int_equal(200, reply.status);
    assert_string_equal("PUT /a b q=&/ x=why the body", buf_cstr(&reply.body));
    req.method = "POST";
    req.body = (struct slice){0};
    assert_ok(http_do(h, &req, &reply, NULL));
    assert_string_equal("POST /a b q=&/ x=why ", buf_cstr(&reply.body));
    req.method = "DELETE";
    req.headers = NULL;
    assert_ok(http_do(h, &req, &reply, NULL));
    assert_string_equal("DELETE /a b q=&/ x=- ", buf_cstr(&reply.body));
    req.method = "GET";
    assert_ok(http_do(h, &req, &reply, NULL));
    assert_string_equal("GET /a b q=&/ x=- ", buf_cstr(&reply.body));
}

static void replies_carry_our_headers_and_the_handlers(void **state)
{
    struct world *w = *state;
    const struct http_conf conf = agent_conf(w);
    auto_reply struct http_reply reply = {0};

    assert_ok(get(&w->server, &conf, "/echo", &reply, NULL));
    assert_string_equal("text/plain", http_reply_header(&reply, "content-type"));
    assert_string_equal("nosniff", http_reply_header(&reply, "X-Content-Type-Options"));
    assert_string_equal("yes", http_reply_header(&reply, "X-ANSWER"));
    assert_string_equal("private", http_reply_header(&reply, "Cache-Control"));
    assert_string_equal("text/plain", http_reply_header(&reply, "Content-Type"));
    assert_null(http_reply_header(&reply, "X-Answe"));
    assert_null(http_reply_header(&reply, "X-Answer:"));
    assert_ok(get(&w->server, &conf, "/missing", &reply, NULL));
    assert_string_equal("no-store", http_reply_header(&reply, "Cache-Control"));
    assert_null(http_reply_header(&reply, "X-Answer"));
}

static void header_of_an_empty_reply_is_null(void **state)
{
    auto_reply struct http_reply reply = {0};

    (void)state;
    assert_null(http_reply_header(&reply, "X"));
}

static void head_tells_the_length_and_has_no_body(void **state)
{
    struct world *w = *state;
    const struct http_conf conf = agent_conf(w);
    auto_http struct http *h = NULL;
    auto_reply struct http_reply reply = {0};
    char url[256];
    struct http_request req = {.method = "HEAD",
                               .url = server_url(&w->server, "/big?bytes=5000000", url)};

    assert_ok(http_new(&conf, &h, NULL));
    assert_ok(http_do(h, &req, &reply, NULL));
    assert_int_equal(200, reply.status);
    assert_int_equal(0, reply.body.len);
    assert_non_null(http_reply_header(&reply, "Content-Length"));
    assert_string_equal("5000000", http_reply_header(&reply, "Content-Length"));
    req.method = "GET"; /* on the same connection: nothing is left over */
    req.url = server_url(&w->server, "/echo", url);
    assert_ok(http_do(h, &req, &reply, NULL));
    assert_string_equal("GET /echo q=- x=- ", buf_cstr(&reply.body));
}

static void any_status_is_a_reply_and_redirects_are_not_followed(void **state)
{
    struct world *w = *state;
    const struct http_conf conf = agent_conf(w);
    auto_reply struct http_reply reply = {0};

    assert_ok(get(&w->server, &conf, "/missing", &reply, NULL));
    assert_int_equal(404, reply.status);
    assert_ok(get(&w->server, &conf, "/moved", &reply, NULL));
    assert_int_equal(302, reply.status);
    assert_string_equal("/echo", http_reply_header(&reply, "Location"));
}

static void paths_are_sent_as_they_are(void **state)
{
    struct world *w = *state;
    const struct http_conf conf = agent_conf(w);
    auto_reply struct http_reply reply = {0};

    assert_ok(get(&w->server, &conf, "/a/../b/./c//d", &reply, NULL));
    assert_string_equal("GET /a/../b/./c//d q=- x=- ", buf_cstr(&reply.body));
}

static void reply_above_its_bound_is_refused(void **state)
{
    struct world *w = *state;
    const struct http_conf conf = agent_conf(w);
    auto_http struct http *h = NULL;
    auto_reply struct http_reply reply = {0};
    char url[256];
    struct http_request req = {.method = "GET",
                               .url = server_url(&w->server, "/big?bytes=100000", url),
                               .max_reply_bytes = 100000};

    assert_ok(http_new(&conf, &h, NULL));
    assert_ok(http_do(h, &req, &reply, NULL));
    assert_int_equal(100000, reply.body.len);
    req.max_reply_bytes--;
    assert_fails(-EFBIG, http_do(h, &req, &reply, NULL));
    req.max_reply_bytes = 0;
    req.url = server_url(&w->server, "/big?bytes=1048577", url);
    assert_fails(-EFBIG, http_do(h, &req, &reply, NULL));
    req.url = server_url(&w->server, "/wide", url);
    assert_fails(-EFBIG, http_do(h, &req, &reply, NULL));
    req.url = server_url(&w->server, "/echo", url);
    assert_ok(http_do(h, &req, &reply, NULL));
}

static void large_reply_reaches_a_reader_that_reads(void **state)
{
    struct world *w = *state;
    const struct http_conf conf = agent_conf(w);
    auto_http struct http *h = NULL;
    auto_reply struct http_reply reply = {0};
    char url[256];
    const struct http_request req = {.method = "GET",
                                     .url = server_url(&w->server, "/big?bytes=20000000", url),
                                     .max_reply_bytes = 20000000};

    assert_ok(http_new(&conf, &h, NULL));
    assert_ok(http_do(h, &req, &reply, NULL));
    assert_int_equal(20000000, reply.body.len);
}

static void large_body_arrives_whole(void **state)
{
    struct world *w = *state;
    const struct http_conf conf = agent_conf(w);
    const size_t len = 1000000;
    auto_free char *body = malloc(len);
    auto_http struct http *h = NULL;
    auto_reply struct http_reply reply = {0};
    char url[256];
    struct http_request req = {
        .method = "PUT", .url = server_url(&w->server, "/", url), .body = slice_of(body, len)};

    memset(body, 'b', len);
    assert_ok(http_new(&conf, &h, NULL));
    assert_ok(http_do(h, &req, &reply, NULL));
    assert_memory_equal(body, reply.body.data + reply.body.len - len, len);
}

static void body_above_the_servers_bound_gets_413(void **state)
{
    struct world *w = *state;
    const struct http_conf conf = agent_conf(w);
    const size_t len = (2 << 20) + 1;
    auto_free char *body = calloc(1, len);
    auto_http struct http *h = NULL;
    auto_reply struct http_reply reply = {0};
    char url[256];
    struct http_request req = {
        .method = "POST", .url = server_url(&w->server, "/", url), .body = slice_of(body, len)};

    assert_ok(http_new(&conf, &h, NULL));
    assert_ok(http_do(h, &req, &reply, NULL));
    assert_int_equal(413, reply.status);
    assert_int_equal(0, w->server.n_served);
}

/* -- waits -------------------------------------------------------------- */

static void deferred_request_is_answered_later(void **state)
{
    struct world *w = *state;
    const struct http_conf conf = agent_conf(w);
    auto_http struct http *h = NULL;
    auto_reply struct http_reply reply = {0};
    char url[256];
    const struct http_request req = {.method = "GET", .url = server_url(&w->server, "/wait", url)};

    w->server.answer_after_ms = 10;
    assert_ok(http_new(&conf, &h, NULL));
    for (unsigned i = 1; i <= 3; i++) { /* on one connection */
        assert_ok(http_do(h, &req, &reply, NULL));
        assert_string_equal("at last", buf_cstr(&reply.body));
        assert_int_equal(i, w->server.n_deferred);
    }
    assert_int_equal(0, w->server.n_gone);
}

static void deferred_request_outlives_the_idle_timeout(void **state)
{
    struct world *w = *state;
    const struct httpd_conf impatient = {.timeout_s = 1};
    const struct http_conf conf = agent_conf(w);
    auto_reply struct http_reply reply = {0};
    struct server s;

    server_start(&s, &w->pki.planner, &w->pki.ca, server_serve, &impatient);
    s.answer_after_ms = 2500;
    assert_ok(get(&s, &conf, "/wait", &reply, NULL));
    assert_string_equal("at last", buf_cstr(&reply.body));
    server_stop(&s);
}

static void hang_up_of_a_waiting_client_is_noticed(void **state)
{
    struct world *w = *state;
    const struct http_conf conf = agent_conf(w);
    auto_http struct http *h = NULL;
    auto_reply struct http_reply reply = {0};
    char url[256];
    const struct http_request req = {
        .method = "GET", .url = server_url(&w->server, "/wait", url), .timeout_ms = 100};
    struct err err = {0};

    assert_ok(http_new(&conf, &h, NULL));
    assert_fails(-ETIMEDOUT, http_do(h, &req, &reply, &err));
    assert_true(err.retryable);
    server_expect(&w->server, &w->server.n_gone, 1);
    assert_int_equal(1, w->server.n_deferred);
    assert_ok(get(&w->server, &conf, "/", &reply, NULL));
}

static void *ask_and_wait(void *arg)
{
    struct server *s = arg;
    const struct http_conf conf = {.pin = s->pin};
    auto_reply struct http_reply reply = {0};

    return (void *)(intptr_t)get(s, &conf, "/wait", &reply, NULL);
}

static void end_of_the_server_tells_deferred_requests(void **state)
{
    struct world *w = *state;
    pthread_t thread;
    struct server s;
    void *code;

    server_start(&s, &w->pki.planner, &w->pki.ca, server_serve, NULL);
    s.pin = w->pki.pin;
    assert_int_equal(0, pthread_create(&thread, NULL, ask_and_wait, &s));
    server_expect(&s, &s.n_deferred, 1);
    server_stop(&s);
    assert_int_equal(1, s.n_gone);
    pthread_join(thread, &code);
    assert_int_equal(-ECONNRESET, (intptr_t)code);
}

static void silence_ends_a_request(void **state)
{
    struct world *w = *state;
    struct http_conf conf = agent_conf(w);
    auto_reply struct http_reply reply = {0};
    uint64_t began_ms = clock_mono_ms(&clock_system), took_ms;

    conf.stall_timeout_ms = 300;
    assert_fails(-ETIMEDOUT, get(&w->server, &conf, "/wait", &reply, NULL));
    took_ms = clock_mono_ms(&clock_system) - began_ms;
    assert_in_range(took_ms, 300, 5000);
}

struct stopper {
    struct server *server;
    atomic_bool stop;
};

static void *stop_when_it_waits(void *arg)
{
    struct stopper *s = arg;

    server_expect(s->server, &s->server->n_deferred, 1);
    atomic_store(&s->stop, true);
    return NULL;
}

static void stop_flag_ends_a_request_under_way(void **state)
{
    struct world *w = *state;
    struct stopper stopper = {.server = &w->server};
    struct http_conf conf = agent_conf(w);
    auto_reply struct http_reply reply = {0};
    uint64_t began_ms = clock_mono_ms(&clock_system);
    pthread_t thread;

    conf.stop = &stopper.stop;
    assert_int_equal(0, pthread_create(&thread, NULL, stop_when_it_waits, &stopper));
    assert_fails(-ECANCELED, get(&w->server, &conf, "/wait", &reply, NULL));
    assert_in_range(clock_mono_ms(&clock_system) - began_ms, 0, 5000);
    pthread_join(thread, NULL);
    assert_fails(-ECANCELED, get(&w->server, &conf, "/", &reply, NULL));
    assert_int_equal(1, w->server.n_served);
}

/* -- other failures ----------------------------------------------------- */

/* A loopback socket that is bound and does (or does not) listen; nobody accepts. */
static int mute_socket(bool listening, char url[256])
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(0, bind(fd, (struct sockaddr *)&at, sizeof(at)));
    assert_int_equal(0, getsockname(fd, (struct sockaddr *)&at, &len));
    if (listening)
        assert_int_equal(0, listen(fd, 1));
    snprintf(url, 256, "https://127.0.0.1:%u/", ntohs(at.sin_port));
    return fd;
}

static void peer_that_is_not_there_is_refused_retryably(void **state)
{
    const struct http_conf conf = {0};
    auto_http struct http *h = NULL;
    auto_reply struct http_reply reply = {0};
    struct err err = {0};
    char url[256];
    auto_close int fd = mute_socket(false, url);
    const struct http_request req = {.method = "GET", .url = url};

    (void)state;
    assert_ok(http_new(&conf, &h, NULL));
    assert_fails(-ECONNREFUSED, http_do(h, &req, &reply, &err));
    assert_true(err.retryable);
}

static void peer_that_never_shakes_hands_times_out(void **state)
{
    const struct http_conf conf = {.connect_timeout_ms = 200};
    auto_http struct http *h = NULL;
    auto_reply struct http_reply reply = {0};
    char url[256];
    auto_close int fd = mute_socket(true, url);
    const struct http_request req = {.method = "GET", .url = url};

    (void)state;
    assert_ok(http_new(&conf, &h, NULL));
    assert_fails(-ETIMEDOUT, http_do(h, &req, &reply, NULL));
}

static void name_that_does_not_resolve_is_unreachable(void **state)
{
    const struct http_conf conf = {0};
    auto_http struct http *h = NULL;
    auto_reply struct http_reply reply = {0};
    const struct http_request req = {.method = "GET", .url = "https://no-such-host.invalid/"};
    struct err err = {0};

    (void)state;
    assert_ok(http_new(&conf, &h, NULL));
    assert_fails(-EHOSTUNREACH, http_do(h, &req, &reply, &err));
    err_clear(&err);
    assert_fails(-EHOSTUNREACH, http_do(h, &req, &reply, &err)); /* and again */
    assert_true(err.retryable);
}

static void bad_urls_are_invalid(void **state)
{
    static const char *const urls[] = {"https://", "https://user:secret@127.0.0.1:1/", ""};
    const struct http_conf conf = {0};
    auto_http struct http *h = NULL;
    auto_reply struct http_reply reply = {0};

    (void)state;
    assert_ok(http_new(&conf, &h, NULL));
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        const struct http_request req = {.method = "GET", .url = urls[i]};

        assert_true(http_do(h, &req, &reply, NULL) < 0);
    }
}

static void proxy_comes_from_the_environment(void **state)
{
    struct world *w = *state;
    const struct http_conf conf = agent_conf(w);
    auto_reply struct http_reply reply = {0};
    char url[256], proxy[256];
    auto_close int fd = mute_socket(false, url);

    snprintf(proxy, sizeof(proxy), "http%s", url + 5); /* https://… -> http://… */
    setenv("https_proxy", proxy, 1);
    setenv("no_proxy", "", 1);
    assert_fails(-ECONNREFUSED, get(&w->server, &conf, "/", &reply, NULL));
    setenv("no_proxy", "127.0.0.1", 1);
    assert_ok(get(&w->server, &conf, "/", &reply, NULL));
    unsetenv("https_proxy");
    unsetenv("no_proxy");
}

static void connection_that_died_while_idle_is_opened_again(void **state)
{
    struct world *w = *state;
    const struct httpd_conf impatient = {.timeout_s = 1};
    const struct http_conf conf = agent_conf(w);
    auto_http struct http *h = NULL;
    auto_reply struct http_reply reply = {0};
    char url[256];
    struct tls_raw *stranger;
    bool hung_up;
    char byte;
    struct server s;
    struct http_request req = {.method = "POST", .body = slice_str("twice?")};

    server_start(&s, &w->pki.planner, &w->pki.ca, server_serve, &impatient);
    req.url = server_url(&s, "/", url);
    assert_ok(http_new(&conf, &h, NULL));
    assert_ok(http_do(h, &req, &reply, NULL));
    /* A stranger who came later was cut for idling: so were we. */
    stranger = tls_raw_open(httpd_port(s.httpd));
    tls_raw_read(stranger, &byte, 1, 10000, &hung_up);
    assert_true(hung_up);
    tls_raw_drop(stranger, false);
    assert_ok(http_do(h, &req, &reply, NULL));
    assert_int_equal(2, s.n_served);
    server_stop(&s);
}

/* -- many at once ------------------------------------------------------- */

enum { CLIENTS = 50, REQUESTS_EACH = 10 };

static void *ask_often(void *arg)
{
    const struct world *w = arg;
    const struct http_conf conf = agent_conf(w);
    auto_http struct http *h = NULL;
    auto_reply struct http_reply reply = {0};
    char url[256];
    const struct http_request req = {.method = "GET", .url = server_url(&w->server, "/who", url)};
    uintptr_t good = 0;

    if (http_new(&conf, &h, NULL) < 0)
        return NULL;
    for (int i = 0; i < REQUESTS_EACH; i++)
        if (http_do(h, &req, &reply, NULL) == 0 && reply.status == 200 &&
            strcmp(buf_cstr(&reply.body), "h-agent|agent|64|127.0.0.1") == 0)
            good++;
    return (void *)good;
}

static void fifty_clients_at_once_are_all_served(void **state)
{
    struct world *w = *state;
    pthread_t threads[CLIENTS];

    for (size_t i = 0; i < CLIENTS; i++)
        assert_int_equal(0, pthread_create(&threads[i], NULL, ask_often, w));
    for (size_t i = 0; i < CLIENTS; i++) {
        void *good;

        pthread_join(threads[i], &good);
        assert_int_equal(REQUESTS_EACH, (uintptr_t)good);
    }
    assert_int_equal(CLIENTS * REQUESTS_EACH, w->server.n_served);
}

static void clients_above_the_limit_wait_their_turn(void **state)
{
    struct world *w = *state;
    const struct httpd_conf small = {.max_connections = 2, .timeout_s = 1};
    const struct http_conf conf = agent_conf(w);
    auto_reply struct http_reply reply = {0};
    auto_http struct http *first = NULL, *second = NULL;
    char url[256];
    struct server s;
    struct http_request req = {.method = "GET"};

    server_start(&s, &w->pki.planner, &w->pki.ca, server_serve, &small);
    req.url = server_url(&s, "/", url);
    assert_ok(http_new(&conf, &first, NULL));
    assert_ok(http_new(&conf, &second, NULL));
    assert_ok(http_do(first, &req, &reply, NULL));
    assert_ok(http_do(second, &req, &reply, NULL));
    /* Both stay open and idle; the third is accepted when one has idled too long. */
    assert_ok(get(&s, &conf, "/", &reply, NULL));
    assert_int_equal(3, s.n_served);
    server_stop(&s);
}

/* -- helpers ------------------------------------------------------------ */

static void backoff_grows_and_stays_within_its_bounds(void **state)
{
    uint64_t seen_above_half = 0;

    (void)state;
    for (unsigned attempt = 1; attempt <= 100; attempt++) {
        const uint64_t bound_ms = attempt < 10 ? 100ull << (attempt - 1) : 30000;
        const uint64_t ms = http_backoff_ms(&rng_system, attempt, 100, 30000);

        assert_true(ms <= (bound_ms < 30000 ? bound_ms : 30000));
        seen_above_half += ms > 15000;
    }
    assert_true(seen_above_half > 0); /* 90 draws: misses once in 2^90 */
    assert_int_equal(0, http_backoff_ms(&rng_system, 5, 0, 30000));
    (void)http_backoff_ms(&rng_system, 100, UINT64_MAX / 2, UINT64_MAX);
}

static void statuses_worth_another_attempt(void **state)
{
    static const long yes[] = {408, 429, 500, 502, 503, 504};
    static const long no[] = {0, 200, 204, 301, 400, 401, 403, 404, 409, 412, 413, 501, 505};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(yes); i++)
        assert_true(http_status_retryable(yes[i]));
    for (size_t i = 0; i < ARRAY_LEN(no); i++)
        assert_false(http_status_retryable(no[i]));
}

static void escape_is_strict(void **state)
{
    auto_buf struct buf out = {0};

    (void)state;
    assert_ok(http_escape("aZ0-._~/ +%?&=:@!*'()\xc3\xa4", true, &out));
    assert_string_equal("aZ0-._~/%20%2B%25%3F%26%3D%3A%40%21%2A%27%28%29%C3%A4", buf_cstr(&out));
    buf_clear(&out);
    assert_ok(http_escape("a/b", false, &out));
    assert_string_equal("a%2Fb", buf_cstr(&out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(bodies_headers_and_queries_arrive_whole),
        WITH_WORLD(replies_carry_our_headers_and_the_handlers),
        cmocka_unit_test(header_of_an_empty_reply_is_null),
        WITH_WORLD(head_tells_the_length_and_has_no_body),
        WITH_WORLD(any_status_is_a_reply_and_redirects_are_not_followed),
        WITH_WORLD(paths_are_sent_as_they_are),
        WITH_WORLD(reply_above_its_bound_is_refused),
        WITH_WORLD(large_reply_reaches_a_reader_that_reads),
        WITH_WORLD(large_body_arrives_whole),
        WITH_WORLD(body_above_the_servers_bound_gets_413),
        WITH_WORLD(deferred_request_is_answered_later),
        WITH_WORLD(deferred_request_outlives_the_idle_timeout),
        WITH_WORLD(hang_up_of_a_waiting_client_is_noticed),
        WITH_WORLD(end_of_the_server_tells_deferred_requests),
        WITH_WORLD(silence_ends_a_request),
        WITH_WORLD(stop_flag_ends_a_request_under_way),
        cmocka_unit_test(peer_that_is_not_there_is_refused_retryably),
        cmocka_unit_test(peer_that_never_shakes_hands_times_out),
        cmocka_unit_test(name_that_does_not_resolve_is_unreachable),
        cmocka_unit_test(bad_urls_are_invalid),
        WITH_WORLD(proxy_comes_from_the_environment),
        WITH_WORLD(connection_that_died_while_idle_is_opened_again),
        WITH_WORLD(fifty_clients_at_once_are_all_served),
        WITH_WORLD(clients_above_the_limit_wait_their_turn),
        cmocka_unit_test(backoff_grows_and_stays_within_its_bounds),
        cmocka_unit_test(statuses_worth_another_attempt),
        cmocka_unit_test(escape_is_strict),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
