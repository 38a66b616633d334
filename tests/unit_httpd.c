/* SPDX-License-Identifier: Apache-2.0 */
/* httpd against peers without manners: malformed, slow, greedy, silent and vanishing ones. */
#include "tests/httpd_fixture.h"
#include "tests/tls_raw.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/banned.h"

enum { PATIENCE_MS = 10000 };

/* A world whose server cuts idle peers after a second. */
static int impatient_setup(void **state)
{
    const struct httpd_conf conf = {.timeout_s = 1, .max_body_bytes = 64 * 1024};
    struct world *w = calloc(1, sizeof(*w));

    pki_init(&w->pki);
    server_start(&w->server, &w->pki.planner, &w->pki.ca, server_serve, &conf);
    *state = w;
    return 0;
}

#define WITH_IMPATIENCE(name) cmocka_unit_test_setup_teardown(name, impatient_setup, world_teardown)

static struct tls_raw *peer(const struct world *w)
{
    struct tls_raw *t = tls_raw_open(httpd_port(w->server.httpd));

    assert_non_null(t);
    return t;
}

static void say(struct tls_raw *t, const char *text)
{
    assert_true(tls_raw_send(t, text, strlen(text)));
}

/* Read exactly as much as want is long, and compare. */
static void assert_heard(struct tls_raw *t, const char *part)
{
    char reply[4096];
    size_t len = 0;
    bool hung_up = false;

    for (reply[0] = '\0'; !hung_up && len + 1 < sizeof(reply) && !strstr(reply, part);) {
        const size_t n = tls_raw_read(t, reply + len, 1, PATIENCE_MS, &hung_up);

        if (n == 0)
            break;
        len += n;
        reply[len] = '\0';
    }
    if (!strstr(reply, part))
        fail_msg("'%s' is not in '%s'", part, reply);
}

/* The answer has this in its status line, and the document of its status alone as its body. */
static void assert_refused(struct tls_raw *t, const char *status)
{
    char reply[4096], document[64];
    const char *body = NULL;
    size_t len = 0;
    bool hung_up = false;

    while (!hung_up && len + 1 < sizeof(reply) && !(body && strchr(body, '}'))) {
        len += tls_raw_read(t, reply + len, 1, PATIENCE_MS, &hung_up);
        reply[len] = '\0';
        body = strstr(reply, "\r\n\r\n");
    }
    if (!body || strncmp(reply, "HTTP/1.", 7) != 0 || !strstr(reply, status))
        fail_msg("'%s' is not in '%s'", status, reply);
    snprintf(document, sizeof(document), "{\"refused\": %.3s}", reply + strlen("HTTP/1.1 "));
    assert_string_equal(document, body + 4);
    assert_non_null(strstr(reply, "\r\nContent-Type: application/json\r\n"));
    snprintf(document, sizeof(document), "\r\nContent-Length: %zu\r\n", strlen(body + 4));
    assert_non_null(strstr(reply, document));
}

/* The peer is cut off without a word, not before at_least_ms. */
static void assert_cut(struct tls_raw *t, uint64_t began_ms, uint64_t at_least_ms)
{
    char junk[4096];
    bool hung_up;

    tls_raw_read(t, junk, sizeof(junk), PATIENCE_MS, &hung_up);
    assert_true(hung_up);
    assert_in_range(clock_mono_ms(&clock_system) - began_ms, at_least_ms, 5000);
}

static void assert_still_serves(const struct world *w)
{
    const struct http_conf conf = agent_conf(w);
    auto_reply struct http_reply reply = {0};

    assert_ok(get(&w->server, &conf, "/who", &reply, NULL));
    assert_string_equal("h-agent|agent|64|127.0.0.1", buf_cstr(&reply.body));
}

/* -- malformed ---------------------------------------------------------- */

static void malformed_requests_get_an_error(void **state)
{
    static const struct {
        const char *text, *status;
    } cases[] = {
        {"GARBAGE\r\n\r\n", "HTTP/1.1 400"},
        {"GET\r\n\r\n", "HTTP/1.1 400"},
        {"\x16\x03\x01\x02\r\n\r\n", "HTTP/1.1 400"},
        {"GET / HTTP/1.1\r\nno colon here\r\n\r\n", " 400"},
        {"GET / HTTP/1.1\r\nContent-Length: -5\r\n\r\n", " 400"},
        {"POST / HTTP/1.1\r\nContent-Length: x5\r\n\r\n", " 400"},
        {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", " 4"},
        {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\nzz\r\n",
         " 4"},
        {"GET /%00hidden HTTP/1.1\r\n\r\n", " 400"},
        {"GET /a?%00=1&&&= HTTP/1.1\r\n\r\n", " "}, /* any answer */
        {"GET http://[ HTTP/1.1\r\n\r\n", " 400"},
        {"TRACE / HTTP/1.1\r\n\r\n", " 501"},
        {"CONNECT a:1 HTTP/1.1\r\n\r\n", " 501"},
        {"POST / HTTP/1.1\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n", " "},
        {"POST / HTTP/1.1\r\nContent-Length: 5\r\nExpect: wonders\r\n\r\n", " 417"},
    };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tls_raw *t = peer(w);

        say(t, cases[i].text);
        if (strcmp(cases[i].status, " ") != 0)
            assert_refused(t, cases[i].status);
        tls_raw_drop(t, false);
    }
    assert_still_serves(w);
}

static void headers_above_their_bound_get_an_error(void **state)
{
    struct world *w = *state;
    struct tls_raw *t = peer(w);
    char line[1024];

    memset(line, 'h', sizeof(line));
    memcpy(line, "X: ", 3);
    memcpy(line + sizeof(line) - 2, "\r\n", 2);
    say(t, "GET / HTTP/1.1\r\n");
    for (int i = 0; i < 17; i++)
        assert_true(tls_raw_send(t, line, sizeof(line)));
    assert_refused(t, " 4");
    tls_raw_drop(t, false);
    assert_int_equal(0, w->server.n_served);
    assert_still_serves(w);
}

static void request_that_continues_when_told_is_served(void **state)
{
    struct world *w = *state;
    struct tls_raw *t = peer(w);

    say(t, "PUT /x HTTP/1.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    assert_heard(t, "HTTP/1.1 100 Continue\r\n\r\n");
    say(t, "body");
    assert_heard(t, "PUT /x q=- x=- body");
    tls_raw_drop(t, false);
}

static void chunked_bodies_are_put_together(void **state)
{
    struct world *w = *state;
    struct tls_raw *t = peer(w);

    say(t, "POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
    say(t, "4\r\n two\r\n0\r\n\r\n");
    assert_heard(t, "POST /x q=- x=- one two");
    tls_raw_drop(t, false);
}

static void chunks_above_the_bound_are_refused(void **state)
{
    struct world *w = *state;
    struct tls_raw *t = peer(w);

    say(t, "POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n");
    assert_refused(t, " 413");
    tls_raw_drop(t, false);
    assert_int_equal(0, w->server.n_served);
}

static void bodies_above_the_bound_are_refused(void **state)
{
    struct world *w = *state;
    struct tls_raw *t = peer(w);
    static char body[2 << 20];

    say(t, "POST /x HTTP/1.1\r\nContent-Length: 2097152\r\n\r\n");
    assert_true(tls_raw_send(t, body, sizeof(body))); /* a peer that reads only when all is sent */
    assert_refused(t, " 413");
    tls_raw_drop(t, false);
    assert_int_equal(0, w->server.n_served);
}

static void nonsense_behind_a_request_is_refused_behind_its_answer(void **state)
{
    struct world *w = *state;
    struct tls_raw *t = peer(w);

    say(t, "GET /1 HTTP/1.1\r\n\r\nGARBAGE\r\n\r\n");
    assert_heard(t, "GET /1 q=- x=- ");
    assert_refused(t, " 400");
    tls_raw_drop(t, false);
    assert_still_serves(w);
}

static void line_without_an_end_is_cut_and_not_kept(void **state)
{
    struct world *w = *state;
    struct tls_raw *t = peer(w);
    const uint64_t began_ms = clock_mono_ms(&clock_system);
    static char digits[64 * 1024];
    struct timeval patience = {.tv_sec = 1};
    size_t sent = 0;

    memset(digits, '1', sizeof(digits));
    setsockopt(tls_raw_fd(t), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    say(t, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (sent < 64u << 20 && tls_raw_send(t, digits, sizeof(digits)))
        sent += sizeof(digits);
    assert_true(sent < 32u << 20); /* what the sockets hold; the server took little of it */
    assert_in_range(clock_mono_ms(&clock_system) - began_ms, 0, 5000);
    tls_raw_drop(t, true);
    assert_still_serves(w);
}

static void plain_text_on_the_tls_port_is_hung_up_on(void **state)
{
    struct world *w = *state;
    auto_close int fd = tls_raw_connect(httpd_port(w->server.httpd));
    char reply[64];

    assert_int_equal(18, write(fd, "GET / HTTP/1.1\r\n\r\n", 18));
    while (read(fd, reply, sizeof(reply)) > 0)
        assert_null(memmem(reply, sizeof(reply), "HTTP/1", 6));
    assert_int_equal(0, w->server.n_served);
    assert_still_serves(w);
}

/* -- slow --------------------------------------------------------------- */

static void peer_that_never_shakes_hands_is_cut(void **state)
{
    struct world *w = *state;
    const uint64_t began_ms = clock_mono_ms(&clock_system);
    auto_close int fd = tls_raw_connect(httpd_port(w->server.httpd));
    char byte;

    assert_true(fd >= 0);
    assert_int_equal(0, read(fd, &byte, 1));
    assert_in_range(clock_mono_ms(&clock_system) - began_ms, 900, 5000);
}

static void peer_that_asks_nothing_is_cut(void **state)
{
    struct world *w = *state;
    const uint64_t began_ms = clock_mono_ms(&clock_system); /* before the server's does */
    struct tls_raw *t = peer(w);

    assert_cut(t, began_ms, 900);
    tls_raw_drop(t, false);
}

static void idle_peer_is_cut_after_its_answer(void **state)
{
    struct world *w = *state;
    struct tls_raw *t = peer(w);
    const uint64_t began_ms = clock_mono_ms(&clock_system);

    say(t, "GET /idle HTTP/1.1\r\n\r\n");
    assert_heard(t, "GET /idle q=- x=- ");
    assert_cut(t, began_ms, 900);
    tls_raw_drop(t, false);
}

static void request_that_drips_is_cut_however_steadily(void **state)
{
    struct world *w = *state;
    struct tls_raw *t = peer(w);
    const uint64_t began_ms = clock_mono_ms(&clock_system);
    unsigned sent = 0;

    say(t, "GET / HTTP/1.1\r\nX: ");
    /* The pace is the attack: a byte well within every idle timeout, without end. */
    while (sent < 100 && tls_raw_send(t, "d", 1)) {
        sent++;
        clock_sleep_ms(&clock_system, 50);
    }
    assert_in_range(sent, 10, 90);
    assert_in_range(clock_mono_ms(&clock_system) - began_ms, 900, 4500);
    tls_raw_drop(t, false);
    assert_still_serves(w);
}

static void reader_that_does_not_read_is_cut(void **state)
{
    const struct httpd_conf room_for_one = {.max_connections = 1};
    struct world *w = *state;
    const struct http_conf next = agent_conf(w);
    auto_reply struct http_reply reply = {0};
    const size_t all = 64u << 20;
    auto_free char *rest = malloc(all);
    const int small = 64 * 1024;
    struct tls_raw *t;
    struct server s;
    bool hung_up;

    server_start(&s, &w->pki.planner, &w->pki.ca, server_serve, &room_for_one);
    t = tls_raw_open(httpd_port(s.httpd));
    assert_non_null(t);
    setsockopt(tls_raw_fd(t), SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    say(t, "GET /big?bytes=67108864 HTTP/1.1\r\n\r\n");
    server_expect(&s, &s.n_served, 1);
    assert_ok(get(&s, &next, "/who", &reply, NULL)); /* its turn comes when the reader is cut */
    assert_true(tls_raw_read(t, rest, all, PATIENCE_MS, &hung_up) < all / 2);
    assert_true(hung_up);
    tls_raw_drop(t, false);
    server_stop(&s);
}

/* -- eager -------------------------------------------------------------- */

static void pipelined_requests_are_answered_in_order(void **state)
{
    struct world *w = *state;
    struct tls_raw *t = peer(w);

    say(t, "GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\n\r\n");
    assert_heard(t, "GET /1 q");
    assert_heard(t, "GET /2 q");
    assert_heard(t, "GET /3 q");
    tls_raw_drop(t, false);
}

static void input_during_a_deferred_request_waits_for_its_answer(void **state)
{
    struct world *w = *state;
    struct tls_raw *t = peer(w);
    char filler[8192];

    memset(filler, 'f', sizeof(filler));
    memcpy(filler, "GET /after HTTP/1.1\r\nX-Fill: ", 29);
    memcpy(filler + sizeof(filler) - 4, "\r\n\r\n", 4);
    say(t, "GET /wait HTTP/1.1\r\n\r\n");
    server_expect(&w->server, &w->server.n_deferred, 1);
    assert_true(tls_raw_send(t, filler, sizeof(filler)));
    assert_still_serves(w); /* the loop has seen the input and lives */
    assert_int_equal(0, w->server.n_gone);
    server_answer_waiting(&w->server);
    assert_heard(t, "at last");
    assert_heard(t, "GET /after q");
    tls_raw_drop(t, false);
}

static void end_of_the_server_frees_peers_in_any_state(void **state)
{
    struct world *w = *state;
    static char flood[256 * 1024];
    struct tls_raw *peers[5];

    for (size_t i = 0; i < ARRAY_LEN(peers); i++)
        peers[i] = peer(w);
    say(peers[0], "GET /wait HTTP/1.1\r\n\r\n");
    server_expect(&w->server, &w->server.n_deferred, 1);
    assert_true(tls_raw_send(peers[0], flood, sizeof(flood)));
    say(peers[1], "GET /big?bytes=50000000 HTTP/1.1\r\n\r\n");
    server_expect(&w->server, &w->server.n_served, 2);
    say(peers[2], "POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf");
    say(peers[3], "GET / HT");
    assert_still_serves(w);
    server_stop(&w->server);
    assert_int_equal(1, w->server.n_gone);
    for (size_t i = 0; i < ARRAY_LEN(peers); i++)
        tls_raw_drop(peers[i], i % 2);
    server_start(&w->server, &w->pki.planner, &w->pki.ca, server_serve, NULL);
    assert_still_serves(w);
}

static void flood_during_a_deferred_request_ends_with_its_answer(void **state)
{
    struct world *w = *state;
    struct tls_raw *t = peer(w);
    const struct timeval patience = {.tv_sec = 1};
    static char flood[64 * 1024];
    char rest[4096];
    size_t sent = 0;
    bool hung_up;

    memset(flood, 'f', sizeof(flood));
    setsockopt(tls_raw_fd(t), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    say(t, "GET /wait HTTP/1.1\r\n\r\n");
    server_expect(&w->server, &w->server.n_deferred, 1);
    while (sent < 64u << 20 && tls_raw_send(t, flood, sizeof(flood)))
        sent += sizeof(flood);
    assert_true(sent < 32u << 20); /* what the sockets hold */
    assert_still_serves(w);
    server_answer_waiting(&w->server);
    while (tls_raw_read(t, rest, sizeof(rest), PATIENCE_MS, &hung_up) > 0 && !hung_up)
        ;
    assert_true(hung_up);
    tls_raw_drop(t, true);
    assert_still_serves(w);
}

/* -- vanishing ---------------------------------------------------------- */

static void every_way_to_hang_up_on_a_deferred_request_is_noticed(void **state)
{
    struct world *w = *state;

    for (unsigned i = 0; i < 3; i++) {
        struct tls_raw *t = peer(w);

        say(t, "GET /wait HTTP/1.1\r\n\r\n");
        server_expect(&w->server, &w->server.n_deferred, i + 1);
        if (i == 2)
            shutdown(tls_raw_fd(t), SHUT_WR);
        else
            tls_raw_drop(t, i == 1);
        server_expect(&w->server, &w->server.n_gone, i + 1);
        if (i == 2)
            tls_raw_drop(t, false);
    }
    assert_still_serves(w);
}

static void peers_that_vanish_at_any_byte_do_no_harm(void **state)
{
    static const char request[] =
        "POST /x HTTP/1.1\r\nContent-Length: 20\r\n\r\n12345678901234567890";
    struct world *w = *state;

    for (size_t i = 0; i < sizeof(request); i += 3) {
        struct tls_raw *t = peer(w);

        assert_true(i == 0 || tls_raw_send(t, request, i));
        tls_raw_drop(t, i % 2);
    }
    for (int i = 0; i < 20; i++) {
        auto_close int fd = tls_raw_connect(httpd_port(w->server.httpd));

        assert_true(write(fd, "\x16\x03\x01\x02\x00\x01", (size_t)i % 7) >= 0);
    }
    assert_still_serves(w);
}

static void reader_that_vanishes_under_a_large_reply_does_no_harm(void **state)
{
    struct world *w = *state;

    for (int i = 0; i < 10; i++) {
        struct tls_raw *t = peer(w);
        char byte;
        bool hung_up;

        say(t, "GET /big?bytes=8000000 HTTP/1.1\r\n\r\n");
        assert_int_equal(1, tls_raw_read(t, &byte, 1, PATIENCE_MS, &hung_up));
        tls_raw_drop(t, i % 2);
    }
    assert_still_serves(w);
}

/* The sixth from one address is hung up on, until one of the five goes. */
static void one_peer_does_not_take_all_connections(void **state)
{
    const struct httpd_conf five = {.max_connections = 20, .max_peer_connections = 5};
    struct world *w = *state;
    const struct http_conf next = agent_conf(w);
    auto_reply struct http_reply reply = {0};
    struct tls_raw *peers[5];
    struct server s;

    server_start(&s, &w->pki.planner, &w->pki.ca, server_serve, &five);
    for (size_t i = 0; i < ARRAY_LEN(peers); i++) {
        peers[i] = tls_raw_open(httpd_port(s.httpd));
        assert_non_null(peers[i]);
    }
    assert_null(tls_raw_open(httpd_port(s.httpd)));
    say(peers[0], "GET /still HTTP/1.1\r\n\r\n");
    assert_heard(peers[0], "GET /still q");
    tls_raw_drop(peers[4], false);
    /* The server may hear of the next one before it hears that this one has gone. */
    for (unsigned tries = 0; get(&s, &next, "/who", &reply, NULL) < 0; tries++)
        assert_in_range(tries, 0, 1000);
    for (size_t i = 0; i + 1 < ARRAY_LEN(peers); i++)
        tls_raw_drop(peers[i], false);
    server_stop(&s);
}

static void server_without_descriptors_accepts_again_when_there_are_some(void **state)
{
    struct world *w = *state;
    const uint16_t port = httpd_port(w->server.httpd);
    struct rlimit old, none;
    struct tls_raw *t;
    int fd, probe;

    assert_still_serves(w);
    assert_int_equal(0, getrlimit(RLIMIT_NOFILE, &old));
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    probe = fcntl(fd, F_DUPFD_CLOEXEC, 0); /* the lowest free one */
    close(probe);
    none = (struct rlimit){.rlim_cur = (rlim_t)probe, .rlim_max = old.rlim_max};
    assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &none));
    assert_int_equal(0, tls_raw_connect_fd(fd, port));
    assert_int_equal(0, setrlimit(RLIMIT_NOFILE, &old));
    t = tls_raw_over(fd);
    assert_non_null(t);
    say(t, "GET /again HTTP/1.1\r\n\r\n");
    assert_heard(t, "GET /again q");
    tls_raw_drop(t, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(malformed_requests_get_an_error),
        WITH_WORLD(headers_above_their_bound_get_an_error),
        WITH_WORLD(request_that_continues_when_told_is_served),
        WITH_WORLD(chunked_bodies_are_put_together),
        WITH_WORLD(chunks_above_the_bound_are_refused),
        WITH_WORLD(bodies_above_the_bound_are_refused),
        WITH_WORLD(nonsense_behind_a_request_is_refused_behind_its_answer),
        WITH_IMPATIENCE(line_without_an_end_is_cut_and_not_kept),
        WITH_WORLD(plain_text_on_the_tls_port_is_hung_up_on),
        WITH_IMPATIENCE(peer_that_never_shakes_hands_is_cut),
        WITH_IMPATIENCE(peer_that_asks_nothing_is_cut),
        WITH_IMPATIENCE(idle_peer_is_cut_after_its_answer),
        WITH_IMPATIENCE(request_that_drips_is_cut_however_steadily),
        WITH_WORLD(reader_that_does_not_read_is_cut),
        WITH_WORLD(pipelined_requests_are_answered_in_order),
        WITH_WORLD(input_during_a_deferred_request_waits_for_its_answer),
        WITH_WORLD(end_of_the_server_frees_peers_in_any_state),
        WITH_IMPATIENCE(flood_during_a_deferred_request_ends_with_its_answer),
        WITH_WORLD(every_way_to_hang_up_on_a_deferred_request_is_noticed),
        WITH_WORLD(peers_that_vanish_at_any_byte_do_no_harm),
        WITH_WORLD(reader_that_vanishes_under_a_large_reply_does_no_harm),
        WITH_WORLD(one_peer_does_not_take_all_connections),
        WITH_WORLD(server_without_descriptors_accepts_again_when_there_are_some),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
