/* SPDX-License-Identifier: Apache-2.0 */
/* Many handles by one thread: each caller gets its own reply, a stop ends one and not the others,
 * and a pace sees every byte of a body. */
#include "tests/httpd_fixture.h"

#include "base/worker.h"

#include "base/banned.h"

enum { CALLERS = 8, ROUNDS = 10 };

struct crowd {
    struct world *w;
    struct http_multi *multi;
};

static int call_often(void *arg, size_t index, struct err *err)
{
    struct crowd *c = arg;
    struct http_conf conf = agent_conf(c->w);
    auto_http struct http *h = NULL;
    int rc;

    conf.multi = c->multi;
    rc = http_new(&conf, &h, err);
    for (unsigned i = 0; rc == 0 && i < ROUNDS; i++) {
        auto_reply struct http_reply reply = {0};
        char url[256];
        char target[64];
        char want[192];
        struct http_request req = {
            .method = "PUT", .url = url, .body = slice_of(target, strlen("/0/0"))};

        snprintf(target, sizeof(target), "/%zu/%u", index, i);
        snprintf(want, sizeof(want), "PUT %s q=- x=- %s", target, target);
        server_url(&c->w->server, target, url);
        rc = http_do(h, &req, &reply, err);
        if (rc == 0 && strcmp(buf_cstr(&reply.body), want) != 0)
            rc = err_set(err, -EBADMSG, "'%s' instead of '%s'", buf_cstr(&reply.body), want);
    }
    return rc;
}

static void callers_get_their_own_replies(void **state)
{
    struct crowd c = {.w = *state};
    struct workers *workers = NULL;
    struct err err = {0};

    assert_ok(http_multi_new(&c.multi, NULL));
    assert_ok(workers_start(CALLERS, "call", call_often, &c, &workers, NULL));
    if (workers_join(workers, &err) < 0)
        fail_msg("%s", err.text);
    http_multi_unref(c.multi);
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

static void a_stop_ends_one_and_not_the_others(void **state)
{
    struct world *w = *state;
    struct stopper stopper = {.server = &w->server};
    struct http_conf conf = agent_conf(w);
    auto_reply struct http_reply reply = {0};
    uint64_t began_ms = clock_mono_ms(&clock_system);
    pthread_t thread;

    assert_ok(http_multi_new(&conf.multi, NULL));
    conf.stop = &stopper.stop;
    assert_int_equal(0, pthread_create(&thread, NULL, stop_when_it_waits, &stopper));
    assert_fails(-ECANCELED, get(&w->server, &conf, "/wait", &reply, NULL));
    assert_in_range(clock_mono_ms(&clock_system) - began_ms, 0, 5000);
    pthread_join(thread, NULL);
    conf.stop = NULL;
    assert_ok(get(&w->server, &conf, "/echo", &reply, NULL));
    http_multi_unref(conf.multi);
}

/* Each piece passes when it was asked for a third time. */
struct toll {
    size_t spent;
    unsigned asked;
    unsigned dropped;
    size_t grain;
};

static uint64_t toll_ask(void *arg, size_t bytes)
{
    struct toll *t = arg;

    assert_true(bytes > 0);
    if (++t->asked % 3 != 0)
        return 1;
    t->spent += bytes;
    return 0;
}

static void toll_drop(void *arg)
{
    ((struct toll *)arg)->dropped++;
}

static size_t toll_grain(void *arg)
{
    return ((struct toll *)arg)->grain;
}

static void a_pace_sees_every_byte(void **state)
{
    enum { LEN = 300 * 1000 };
    struct world *w = *state;
    struct toll toll = {.grain = 20 * 1000};
    struct http_conf conf = agent_conf(w);
    auto_http struct http *h = NULL;
    auto_reply struct http_reply reply = {0};
    auto_free char *body = malloc(LEN + 1);
    char url[256];
    struct http_request req = {.method = "PUT", .url = server_url(&w->server, "/echo", url)};
    const char *head = "PUT /echo q=- x=- ";

    for (size_t i = 0; i < LEN; i++)
        body[i] = (char)('a' + i % 23);
    body[LEN] = '\0';
    req.body = slice_of(body, LEN);
    assert_ok(http_multi_new(&conf.multi, NULL));
    conf.pace =
        (struct http_pace){.ask = toll_ask, .drop = toll_drop, .grain = toll_grain, .arg = &toll};
    assert_ok(http_new(&conf, &h, NULL));
    for (int i = 0; i < 2; i++) { /* the second on a kept connection */
        toll.spent = 0;
        assert_ok(http_do(h, &req, &reply, NULL));
        assert_int_equal(200, reply.status);
        assert_int_equal(strlen(head) + LEN, reply.body.len);
        assert_string_equal(body, buf_cstr(&reply.body) + strlen(head));
        assert_int_equal(LEN + reply.body.len, toll.spent);
        assert_true(toll.asked > 3 * LEN / toll.grain);
    }
    assert_int_equal(0, toll.dropped);
    http_multi_unref(conf.multi); /* the handle keeps it */
    assert_ok(http_do(h, &req, &reply, NULL));
}

static void a_dead_server_is_reported_as_ever(void **state)
{
    struct world *w = *state;
    struct http_conf conf = agent_conf(w);
    auto_reply struct http_reply reply = {0};
    auto_http struct http *h = NULL;
    struct http_request req = {.method = "GET", .url = "https://127.0.0.1:1/"};

    assert_ok(http_multi_new(&conf.multi, NULL));
    assert_ok(http_new(&conf, &h, NULL));
    http_multi_unref(conf.multi);
    assert_fails(-ECONNREFUSED, http_do(h, &req, &reply, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(callers_get_their_own_replies),
        WITH_WORLD(a_stop_ends_one_and_not_the_others),
        WITH_WORLD(a_pace_sees_every_byte),
        WITH_WORLD(a_dead_server_is_reported_as_ever),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
