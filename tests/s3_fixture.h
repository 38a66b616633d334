/* SPDX-License-Identifier: Apache-2.0 */
/* An S3 store onto the server of s3_server.h, with a clock on which backoff costs nothing. */
#ifndef GODWIT_TESTS_S3_FIXTURE_H
#define GODWIT_TESTS_S3_FIXTURE_H

#include "tests/s3_server.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/gw.h"
#include "transport/store.h"

enum { ATTEMPTS = 4 };

#define SAY(status, headers, body)                                                                 \
    "HTTP/1.1 " status "\r\nConnection: close\r\n" headers "\r\n" body
#define ERROR_DOC(code) "<Error><Code>" code "</Code><Message>because</Message></Error>"

struct place {
    struct s3_server *server;
    struct store *store;
    char endpoint[64];
    char *dir;
    char credentials[PATH_MAX];
    atomic_bool stop;
    uint64_t slept_ms;
    uint64_t skipped_ms; /* all that was ever slept */
    atomic_bool *stop_in_sleep;
    struct clock clock;
    struct err err;
};

static inline uint64_t place_wall(void *arg)
{
    (void)arg;
    return clock_wall_ms(&clock_system);
}

static inline uint64_t place_mono(void *arg)
{
    return clock_mono_ms(&clock_system) + ((struct place *)arg)->skipped_ms;
}

/* Backoff costs a test nothing. */
static inline void place_sleep(void *arg, uint64_t ms)
{
    struct place *p = arg;

    p->slept_ms += ms;
    p->skipped_ms += ms;
    if (p->stop_in_sleep)
        atomic_store(p->stop_in_sleep, true);
}

static inline int setup(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    struct store_conf conf = {
        .url = "s3://bucket/pre",
        .endpoint = p->endpoint,
        .region = "home-1",
        .path_style = 1,
        .clock = &p->clock,
        .stop = &p->stop,
        .attempts = ATTEMPTS,
    };

    p->server = s3_server_start();
    p->server->stop = &p->stop;
    p->clock = (struct clock){
        .wall_ms = place_wall, .mono_ms = place_mono, .sleep_ms = place_sleep, .arg = p};
    p->dir = unit_mkdir();
    unit_path(p->dir, "credentials", p->credentials);
    assert_ok(fd_save(p->credentials,
                      slice_str("[default]\naws_access_key_id=A\naws_secret_access_key=S\n"
                                "aws_session_token=old\n"),
                      0600, NULL));
    setenv("AWS_SHARED_CREDENTIALS_FILE", p->credentials, 1);
    assert_ok(text_print(p->endpoint, sizeof(p->endpoint), "http://127.0.0.1:%u", p->server->port));
    assert_ok(store_open(&conf, &p->store, NULL));
    *state = p;
    return 0;
}

static inline int teardown(void **state)
{
    struct place *p = *state;

    store_close(p->store);
    if (p->server)
        s3_server_end(p->server);
    unit_rmdir(p->dir);
    free(p);
    return 0;
}

static inline int put(struct place *p, const char *key, const char *text,
                      enum store_put_flags flags)
{
    err_clear(&p->err);
    return store_put(p->store, key, slice_str(text), NULL, flags, &p->err);
}

/* Appends to out; what was in it must stay whatever happens. */
static inline int get(struct place *p, const char *key, struct store_range range, struct buf *out)
{
    err_clear(&p->err);
    buf_clear(out);
    buf_str(out, "kept:");
    return store_get(p->store, key, range, out, &p->err);
}

static inline void assert_gave_up(struct place *p, int rc)
{
    assert_int_equal(-EAGAIN, rc);
    assert_int_equal(GW_STORE_UNREACHABLE, p->err.gw);
    assert_true(p->err.retryable);
}

static const struct store_range whole;

#define REFUSE(status, code) SAY(status, "", ERROR_DOC(code))

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* Nothing of the caller's environment, nor of an instance's. */
static inline void place_begin(void)
{
    static const char *const unset[] = {"AWS_ACCESS_KEY_ID",
                                        "AWS_SECRET_ACCESS_KEY",
                                        "AWS_SESSION_TOKEN",
                                        "AWS_PROFILE",
                                        "AWS_CONFIG_FILE",
                                        "AWS_CA_BUNDLE",
                                        "http_proxy",
                                        "HTTP_PROXY",
                                        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                                        "AWS_CONTAINER_CREDENTIALS_FULL_URI"};

    for (size_t i = 0; i < ARRAY_LEN(unset); i++)
        unsetenv(unset[i]);
    setenv("HOME", "/nowhere", 1);
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
}

#endif
