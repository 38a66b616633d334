/* SPDX-License-Identifier: Apache-2.0 */
/* Health checks: one function a kind, and the repetition around them. */
#include "agent/health.h"

#include "base/err.h"
#include "base/gw.h"
#include "base/http.h"
#include "base/num.h"
#include "base/text.h"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/banned.h"

enum {
    CHECKS_MAX = 64,
    ATTEMPT_MS = 10 * 1000,
    PAUSE_MS = 500,
    TEXT_MAX = 200,
    NAME_TEXT_MAX = 200,
    REPLY_MAX = 64 * 1024,
};

/* One attempt: 0 passed, else text says why not. */
typedef int (*health_fn)(const struct health_run *run, const struct js *check, uint64_t timeout_ms,
                         char text[static TEXT_MAX], struct err *err);

static int check_http(const struct health_run *run, const struct js *check, uint64_t timeout_ms,
                      char text[static TEXT_MAX], struct err *err)
{
    long expect = (long)js_u64(check, "expect", 200);
    struct http_conf conf = {
        .tls12_allowed = true, .connect_timeout_ms = timeout_ms, .stop = run->stop};
    struct http_request req = {.method = "GET",
                               .url = js_str(check, "http", ""),
                               .timeout_ms = timeout_ms,
                               .max_reply_bytes = REPLY_MAX};
    auto_http struct http *http = NULL;
    auto_reply struct http_reply reply = {0};
    int r;

    r = http_new(&conf, &http, err);
    if (r == 0)
        r = http_do(http, &req, &reply, err);
    if (r < 0)
        return r;
    text_print(text, TEXT_MAX, "answered %ld", reply.status);
    return reply.status == expect ? 0 : -EIO;
}

static int split_address(const char *address, char *host, size_t size, const char **ret_port,
                         struct err *err)
{
    const char *colon = strrchr(address, ':');
    size_t len = colon ? (size_t)(colon - address) : 0;

    if (len >= 2 && address[0] == '[' && address[len - 1] == ']') {
        address++;
        len -= 2;
    }
    if (!colon || len == 0 || colon[1] == '\0')
        return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "'%s' is not HOST:PORT", address);
    *ret_port = colon + 1;
    return text_print(host, size, "%.*s", (int)len, address);
}

static int connect_within(const struct addrinfo *ai, uint64_t timeout_ms)
{
    auto_close int fd = -1;
    struct pollfd p;
    socklen_t len = sizeof(int);
    int error = 0;
    int n;

    fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, ai->ai_protocol);
    if (fd < 0)
        return -errno;
    if (connect(fd, ai->ai_addr, ai->ai_addrlen) == 0)
        return 0;
    if (errno != EINPROGRESS)
        return -errno;
    p = (struct pollfd){.fd = fd, .events = POLLOUT};
    n = poll(&p, 1, (int)num_min(timeout_ms, ATTEMPT_MS));
    if (n == 0)
        return -ETIMEDOUT;
    if (n < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        return -errno;
    return -error;
}

static int check_tcp(const struct health_run *run, const struct js *check, uint64_t timeout_ms,
                     char text[static TEXT_MAX], struct err *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    char host[NI_MAXHOST];
    const char *port = NULL;
    uint64_t until = clock_mono_ms(run->clock) + timeout_ms, now;
    int r;

    r = split_address(js_str(check, "tcp", ""), host, sizeof(host), &port, err);
    if (r < 0)
        return r;
    r = getaddrinfo(host, port, &hints, &list);
    if (r != 0) {
        text_print(text, TEXT_MAX, "%s", gai_strerror(r));
        return -EHOSTUNREACH;
    }
    r = -EHOSTUNREACH;
    /* All addresses of a name share the check's time. */
    for (const struct addrinfo *ai = list; ai && r < 0; ai = ai->ai_next) {
        now = clock_mono_ms(run->clock);
        if (ai != list && now >= until)
            break;
        r = connect_within(ai, now < until ? until - now : 1);
    }
    freeaddrinfo(list);
    if (r == 0)
        text_print(text, TEXT_MAX, "accepts connections");
    return r < 0 ? err_set(err, r, "connect: %m") : 0;
}

static int check_run(const struct health_run *run, const struct js *check, uint64_t timeout_ms,
                     char text[static TEXT_MAX], struct err *err)
{
    struct hook_run hook = run->hook;
    auto_buf struct buf out = {.max = HOOK_OUTPUT_MAX};
    const char *said;
    int status = 0;
    int r;

    hook.timeout_ms = timeout_ms;
    r = hook_run_one(&hook, js_member(check, "run"), &out, &status, err);
    if (r < 0)
        return r;
    said = buf_cstr(&out);
    /* Only what fits and can be shown; the check's own words are for people. */
    if (text_print(text, TEXT_MAX, "ended with %d%s%.*s", status, out.len ? ": " : "",
                   (int)num_min(out.len, TEXT_MAX - 40), said ? said : "") == 0)
        text_sanitize(text);
    return status == 0 ? 0 : -EIO;
}

static const struct {
    const char *key;
    health_fn run;
    bool is_program;
} kinds[] = {
    {.key = "http", .run = check_http},
    {.key = "tcp", .run = check_tcp},
    {.key = "run", .run = check_run, .is_program = true},
};

static int kind_of(const struct js *check, size_t *ret, struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (!js_member(check, kinds[i].key))
            continue;
        *ret = i;
        return 0;
    }
    return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "a health check has http, tcp or run");
}

static void check_name(const struct js *check, size_t kind, char out[static NAME_TEXT_MAX])
{
    const struct js *v = js_member(check, kinds[kind].key);
    const char *what = js_as_str(js_kind(v) == JS_ARR ? js_at(v, 0) : v, "");
    const char *given = js_str(check, "name", NULL);
    int r = given ? text_print(out, NAME_TEXT_MAX, "%.150s", given)
                  : text_print(out, NAME_TEXT_MAX, "%s %.150s", kinds[kind].key, what);

    if (r == 0)
        text_sanitize(out);
}

/* Until it passes or the deadline; at least one attempt. */
static int check_repeat(const struct health_run *run, const struct js *check, size_t kind,
                        char text[static TEXT_MAX], struct err *err)
{
    for (;;) {
        uint64_t now = clock_mono_ms(run->clock);
        uint64_t left = run->deadline_mono_ms > now ? run->deadline_mono_ms - now : 0;
        struct err why = {0};
        int r;

        if (run->stop && atomic_load(run->stop))
            return err_set(err, -ECANCELED, "health checks: %m");
        text[0] = '\0';
        r = kinds[kind].run(run, check, num_max(num_min(left, ATTEMPT_MS), 100), text, &why);
        if (r < 0 && text[0] == '\0')
            text_print(text, TEXT_MAX, "%.*s", TEXT_MAX - 1, why.text);
        if (r == 0 || left <= PAUSE_MS)
            return r;
        clock_sleep_ms(run->clock, PAUSE_MS);
    }
}

static void write_check(struct jsw *w, const char *name, bool ok, const char *text)
{
    jsw_obj(w, NULL);
    jsw_str(w, "name", name);
    jsw_bool(w, "ok", ok);
    jsw_str(w, "text", text);
    jsw_end(w);
}

int health_run(const struct health_run *run, const struct js *list, struct jsw *w,
               unsigned *ret_failed, struct err *err)
{
    unsigned failed = 0;

    if (js_kind(list) != JS_NULL && js_kind(list) != JS_ARR)
        return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "health is an array of checks");
    if (js_len(list) > CHECKS_MAX)
        return err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "more than %d health checks", CHECKS_MAX);
    for (size_t i = 0; i < js_len(list); i++) {
        char name[NAME_TEXT_MAX];
        char text[TEXT_MAX];
        size_t kind = 0;
        int r = kind_of(js_at(list, i), &kind, err);

        if (r < 0)
            return r;
        if (run->programs_only && !kinds[kind].is_program)
            continue;
        check_name(js_at(list, i), kind, name);
        r = check_repeat(run, js_at(list, i), kind, text, err);
        if (r == -ECANCELED)
            return r;
        failed += r < 0;
        write_check(w, name, r == 0, text);
    }
    *ret_failed = failed;
    return 0;
}
