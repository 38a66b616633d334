/* SPDX-License-Identifier: Apache-2.0 */
/* Health checks against real listeners on loopback and real programs; time is the test's own. */
#include "tests/unit.h"

#include "agent/health.h"
#include "base/buf.h"
#include "base/gw.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>

#include "base/banned.h"

static const char assignment_text[] = "{\"workload\":\"shop\",\"side\":\"target\",\"epoch\":3,"
                                      "\"role\":\"follow\",\"volumes\":[]}";

/* A clock that moves only when somebody sleeps. */
static uint64_t fake_now(void *arg)
{
    return *(uint64_t *)arg;
}

static void fake_sleep(void *arg, uint64_t ms)
{
    *(uint64_t *)arg += ms;
}

struct fixture {
    struct assignment *assignment;
    uint64_t now_ms;
    struct clock clock;
    struct health_run run;
    struct js *answer;
    unsigned failed;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    auto_js struct js *doc = NULL;

    assert_ok(js_parse(slice_str(assignment_text), 4096, &doc, NULL));
    assert_ok(assignment_parse(doc, &f->assignment, NULL));
    f->clock = (struct clock){
        .wall_ms = fake_now, .mono_ms = fake_now, .sleep_ms = fake_sleep, .arg = &f->now_ms};
    f->run.hook.assignment = f->assignment;
    f->run.clock = &f->clock;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    assignment_free(f->assignment);
    js_free(f->answer);
    free(f);
    return 0;
}

static int check(struct fixture *f, const char *json, struct err *err)
{
    auto_js struct js *list = NULL;
    auto_jsw struct jsw *w = NULL;
    int r;

    assert_ok(js_parse(slice_str(json), 4096, &list, NULL));
    assert_ok(jsw_new(&w, NULL));
    jsw_arr(w, NULL);
    r = health_run(&f->run, js_member(list, "c"), w, &f->failed, err);
    jsw_end(w);
    js_free(f->answer);
    f->answer = NULL;
    assert_ok(jsw_take(w, &f->answer, NULL));
    return r;
}

static int listen_on_loopback(uint16_t *ret_port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(0, bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
    assert_int_equal(0, getsockname(fd, (struct sockaddr *)&addr, &len));
    *ret_port = ntohs(addr.sin_port);
    return fd;
}

static void a_port_that_accepts_passes_and_one_that_does_not_fails(void **state)
{
    struct fixture *f = *state;
    uint16_t port;
    int fd = listen_on_loopback(&port);
    char json[128];

    text_print(json, sizeof(json), "{\"c\":[{\"tcp\":\"127.0.0.1:%u\"}]}", port);
    assert_ok(check(f, json, NULL));
    assert_int_equal(1, f->failed);
    assert_int_equal(0, listen(fd, 4));
    assert_ok(check(f, json, NULL));
    assert_int_equal(0, f->failed);
    close(fd);
}

struct http_server {
    int fd;
    const char *reply;
};

static void *serve_one(void *arg)
{
    struct http_server *s = arg;
    int c = accept(s->fd, NULL, NULL);
    char request[4096];

    if (c >= 0 && read(c, request, sizeof(request)) > 0 && write(c, s->reply, strlen(s->reply)) > 0)
        shutdown(c, SHUT_WR);
    if (c >= 0)
        close(c);
    return NULL;
}

static void http_check(struct fixture *f, const char *reply, const char *rest, unsigned failed)
{
    struct http_server server = {.reply = reply};
    pthread_t thread;
    uint16_t port;
    char json[160];

    server.fd = listen_on_loopback(&port);
    assert_int_equal(0, listen(server.fd, 4));
    assert_int_equal(0, pthread_create(&thread, NULL, serve_one, &server));
    text_print(json, sizeof(json), "{\"c\":[{\"http\":\"http://127.0.0.1:%u/healthz\"%s}]}", port,
               rest);
    assert_ok(check(f, json, NULL));
    assert_int_equal(failed, f->failed);
    pthread_join(thread, NULL);
    close(server.fd);
}

static void the_status_of_an_http_check_decides(void **state)
{
    struct fixture *f = *state;

    http_check(f, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "", 0);
    http_check(f, "HTTP/1.1 502 Bad\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "", 1);
    assert_string_equal("answered 502", js_str(js_at(f->answer, 0), "text", ""));
    http_check(f, "HTTP/1.1 502 Bad\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
               ",\"expect\":502", 0);
}

static void programs_pass_by_their_status_and_say_why(void **state)
{
    struct fixture *f = *state;

    assert_ok(check(f,
                    "{\"c\":[{\"run\":[\"true\"]},{\"name\":\"db\",\"run\":[\"sh\",\"-c\","
                    "\"echo no rows; exit 4\"]}]}",
                    NULL));
    assert_int_equal(1, f->failed);
    assert_int_equal(2, js_len(f->answer));
    assert_true(js_bool(js_at(f->answer, 0), "ok", false));
    assert_string_equal("run true", js_str(js_at(f->answer, 0), "name", ""));
    assert_string_equal("db", js_str(js_at(f->answer, 1), "name", ""));
    assert_false(js_bool(js_at(f->answer, 1), "ok", true));
    assert_non_null(strstr(js_str(js_at(f->answer, 1), "text", ""), "ended with 4: no rows"));
}

static void a_check_is_repeated_until_it_passes(void **state)
{
    struct fixture *f = *state;
    char *dir = unit_mkdir();
    char json[PATH_MAX + 128];

    f->run.deadline_mono_ms = 60000;
    text_print(json, sizeof(json),
               "{\"c\":[{\"run\":[\"sh\",\"-c\",\"echo x >> %.2000s/n; test $(wc -l < %.2000s/n) "
               "-ge 3\"]}]}",
               dir, dir);
    assert_ok(check(f, json, NULL));
    assert_int_equal(0, f->failed);
    assert_int_equal(1000, f->now_ms); /* two pauses */
    unit_rmdir(dir);
}

static void a_check_ends_with_its_deadline(void **state)
{
    struct fixture *f = *state;

    f->run.deadline_mono_ms = 2000;
    assert_ok(check(f, "{\"c\":[{\"run\":[\"false\"]}]}", NULL));
    assert_int_equal(1, f->failed);
    assert_true(f->now_ms <= 2000);
}

static void only_programs_look_at_scratch_copies(void **state)
{
    struct fixture *f = *state;

    f->run.programs_only = true;
    assert_ok(check(f, "{\"c\":[{\"tcp\":\"127.0.0.1:1\"},{\"run\":[\"true\"]}]}", NULL));
    assert_int_equal(0, f->failed);
    assert_int_equal(1, js_len(f->answer));
}

static void what_is_no_check_is_refused(void **state)
{
    struct err err = {0};

    assert_fails(-EINVAL, check(*state, "{\"c\":[{\"ping\":\"x\"}]}", &err));
    assert_int_equal(GW_BAD_DOCUMENT, err.gw);
    assert_fails(-EINVAL, check(*state, "{\"c\":\"true\"}", &err));
}

static void an_address_needs_host_and_port(void **state)
{
    static const char *const addresses[] = {"localhost", ":80", "host:", ""};
    struct fixture *f = *state;
    char json[128];

    for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
        text_print(json, sizeof(json), "{\"c\":[{\"tcp\":\"%s\"}]}", addresses[i]);
        assert_ok(check(f, json, NULL));
        assert_int_equal(1, f->failed);
    }
}

#define health_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        health_test(a_port_that_accepts_passes_and_one_that_does_not_fails),
        health_test(the_status_of_an_http_check_decides),
        health_test(programs_pass_by_their_status_and_say_why),
        health_test(a_check_is_repeated_until_it_passes),
        health_test(a_check_ends_with_its_deadline),
        health_test(only_programs_look_at_scratch_copies),
        health_test(what_is_no_check_is_refused),
        health_test(an_address_needs_host_and_port),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
