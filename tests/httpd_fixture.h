/* SPDX-License-Identifier: Apache-2.0 */
/* A CA with a planner's and an agent's certificate on disk, and a server thread that answers. */
#ifndef GODWIT_TESTS_HTTPD_FIXTURE_H
#define GODWIT_TESTS_HTTPD_FIXTURE_H

#include "tests/unit.h"

#include "base/cert.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/http.h"
#include "base/httpd.h"
#include "base/loop.h"

#include <pthread.h>

enum { DAY_MS = 86400 * 1000 };

/* A key with its certificate, as PEM and as files. */
struct identity {
    struct buf key, cert;
    char key_file[PATH_MAX], cert_file[PATH_MAX];
};

/* What an identity is to be; zeros mean sound defaults. */
struct wish {
    const char *name, *unit;
    const char *const *hosts;
    int64_t starts_ms; /* relative to now */
    uint64_t valid_ms; /* 0 = a day */
};

static inline void identity_save(struct identity *id, const char *dir, const char *name)
{
    char file[64];

    snprintf(file, sizeof(file), "%s.key", name);
    assert_ok(fd_save(unit_path(dir, file, id->key_file), buf_slice(&id->key), 0600, NULL));
    snprintf(file, sizeof(file), "%s.crt", name);
    assert_ok(fd_save(unit_path(dir, file, id->cert_file), buf_slice(&id->cert), 0600, NULL));
}

static inline void identity_ca(struct identity *id, const char *dir, const char *name)
{
    *id = (struct identity){0};
    assert_ok(cert_key_new(&id->key, NULL));
    assert_ok(
        cert_ca_new(buf_slice(&id->key), name, 30, clock_wall_ms(&clock_system), &id->cert, NULL));
    identity_save(id, dir, name);
}

static inline void identity_leaf(struct identity *id, const char *dir, const struct identity *ca,
                                 const struct wish *w)
{
    auto_buf struct buf csr = {0};
    struct cert_issue issue = {
        .ca_cert_pem = buf_slice(&ca->cert),
        .ca_key_pem = buf_slice(&ca->key),
        .identity = w->name,
        .unit = w->unit,
        .hosts = w->hosts,
        .now_ms = clock_wall_ms(&clock_system) + (uint64_t)w->starts_ms,
        .valid_ms = w->valid_ms ? w->valid_ms : DAY_MS,
    };

    *id = (struct identity){0};
    assert_ok(cert_key_new(&id->key, NULL));
    assert_ok(cert_request(buf_slice(&id->key), w->name, &csr, NULL));
    issue.csr_pem = buf_slice(&csr);
    assert_ok(cert_sign(&issue, &id->cert, NULL));
    identity_save(id, dir, w->name);
}

static inline void identity_done(struct identity *id)
{
    buf_done(&id->key);
    buf_done(&id->cert);
}

/* The world of most tests. */
struct pki {
    char *dir;
    struct identity ca, planner, agent;
    uint8_t pin[CERT_PIN_LEN];
};

static const char *const loopback_hosts[] = {"127.0.0.1", "localhost", NULL};

static inline void pki_init(struct pki *p)
{
    const struct wish planner = {.name = "planner", .unit = "planner", .hosts = loopback_hosts};
    const struct wish agent = {.name = "h-agent", .unit = "agent"};

    p->dir = unit_mkdir();
    identity_ca(&p->ca, p->dir, "ca");
    identity_leaf(&p->planner, p->dir, &p->ca, &planner);
    identity_leaf(&p->agent, p->dir, &p->ca, &agent);
    assert_ok(cert_pin(buf_slice(&p->ca.cert), p->pin, NULL));
}

static inline void pki_done(struct pki *p)
{
    identity_done(&p->ca);
    identity_done(&p->planner);
    identity_done(&p->agent);
    unit_rmdir(p->dir);
}

/* A server in a thread of its own. */
struct server {
    struct loop *loop;
    struct httpd *httpd;
    struct cert_server *tls;
    pthread_t thread;
    const uint8_t *pin;       /* for clients in other threads */
    uint64_t answer_after_ms; /* answer a deferred request by itself; 0 = never */
    struct loop_timer *timer;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct httpd_request *waiting;         /* the deferred one; of the loop's thread */
    unsigned n_deferred, n_gone, n_served; /* guarded by lock */
};

static inline void server_note_(struct server *s, unsigned *counter)
{
    pthread_mutex_lock(&s->lock);
    *counter += 1;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

/* Waits, ten seconds at most, until a counter has come to n. */
static inline void server_expect(struct server *s, const unsigned *counter, unsigned n)
{
    struct timespec until;
    int r = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 10;
    pthread_mutex_lock(&s->lock);
    while (*counter < n && r == 0)
        r = pthread_cond_timedwait(&s->changed, &s->lock, &until);
    pthread_mutex_unlock(&s->lock);
    if (r != 0)
        fail_msg("a counter of the server stayed at %u, %u is wanted", *counter, n);
}

static inline void *server_main_(void *arg)
{
    struct server *s = arg;

    loop_run(s->loop, NULL);
    return NULL;
}

static inline void server_error_(int status, struct buf *out, void *arg)
{
    (void)arg;
    buf_printf(out, "{\"refused\": %d}", status);
}

static inline void server_start(struct server *s, const struct identity *who,
                                const struct identity *ca, httpd_fn fn,
                                const struct httpd_conf *wish)
{
    struct httpd_conf conf = wish ? *wish : (struct httpd_conf){0};

    *s = (struct server){0};
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    assert_ok(loop_new(&s->loop, NULL));
    assert_ok(cert_server_new(buf_slice(&who->cert), buf_slice(&who->key), buf_slice(&ca->cert),
                              &s->tls, NULL));
    conf.address = "127.0.0.1";
    conf.error = server_error_;
    conf.tls = s->tls;
    conf.max_body_bytes = conf.max_body_bytes ? conf.max_body_bytes : 1 << 20;
    conf.timeout_s = conf.timeout_s ? conf.timeout_s : 30;
    conf.max_connections = conf.max_connections ? conf.max_connections : 200;
    assert_ok(httpd_new(s->loop, &conf, fn, s, &s->httpd, NULL));
    assert_int_equal(0, pthread_create(&s->thread, NULL, server_main_, s));
}

static inline void server_stop(struct server *s)
{
    loop_stop(s->loop);
    pthread_join(s->thread, NULL);
    loop_timer_free(s->timer);
    httpd_free(s->httpd);
    loop_free(s->loop);
    cert_server_free(s->tls);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
}

static inline const char *server_url(const struct server *s, const char *target, char out[256])
{
    snprintf(out, 256, "https://127.0.0.1:%u%s", httpd_port(s->httpd), target);
    return out;
}

/* What it answers: /wait waits for the test; a path it does not know is echoed. */

static inline void server_on_gone_(void *arg)
{
    struct server *s = arg;

    server_note_(s, &s->n_gone);
}

static inline void server_answer_waiting_(void *arg)
{
    struct server *s = arg;

    httpd_reply(s->waiting, 200, "text/plain", slice_str("at last"), NULL);
}

static inline void server_defer_(struct server *s, struct httpd_request *r)
{
    httpd_defer(r, server_on_gone_, s);
    s->waiting = r;
    loop_timer_free(s->timer);
    s->timer = NULL;
    if (s->answer_after_ms > 0)
        assert_ok(loop_timer_new(s->loop, s->answer_after_ms, 0, server_answer_waiting_, s,
                                 &s->timer, NULL));
    server_note_(s, &s->n_deferred);
}

static inline void server_answer_big_(struct httpd_request *r, const char *bytes)
{
    const size_t len = strtoul(bytes, NULL, 10);
    auto_free char *body = malloc(len + 1);

    memset(body, 'x', len);
    httpd_reply(r, 200, "application/octet-stream", slice_of(body, len), NULL);
}

static inline void server_answer_wide_(struct httpd_request *r)
{
    auto_free char *value = malloc(80 * 1024);
    const char *const headers[] = {"X-Wide", value, NULL};

    memset(value, 'w', 80 * 1024 - 1);
    value[80 * 1024 - 1] = '\0';
    httpd_reply(r, 200, "text/plain", (struct slice){0}, headers);
}

static inline void server_answer_who_(struct httpd_request *r)
{
    auto_buf struct buf text = {0};

    buf_printf(&text, "%s|%s|%zu|%s", httpd_peer_identity(r), httpd_peer_unit(r),
               strlen(httpd_peer_fingerprint(r)), httpd_peer_address(r));
    httpd_reply(r, 200, "text/plain", buf_slice(&text), NULL);
}

static inline void server_answer_echo_(struct httpd_request *r)
{
    static const char *const headers[] = {"X-Answer", "yes", "Cache-Control", "private", NULL};
    const char *q = httpd_query(r, "q"), *x = httpd_header(r, "X-Ask");
    auto_buf struct buf text = {0};

    buf_printf(&text, "%s %s q=%s x=%s ", httpd_method(r), httpd_path(r), q ? q : "-", x ? x : "-");
    buf_append(&text, httpd_body(r).data, httpd_body(r).len);
    httpd_reply(r, 200, "text/plain", buf_slice(&text), headers);
}

static inline void server_serve(struct httpd_request *r, void *arg)
{
    static const char *const elsewhere[] = {"Location", "/echo", NULL};
    struct server *s = arg;
    const char *path = httpd_path(r);

    server_note_(s, &s->n_served);
    if (strcmp(path, "/wait") == 0)
        server_defer_(s, r);
    else if (strcmp(path, "/who") == 0)
        server_answer_who_(r);
    else if (strcmp(path, "/wide") == 0)
        server_answer_wide_(r);
    else if (strcmp(path, "/big") == 0)
        server_answer_big_(r, httpd_query(r, "bytes"));
    else if (strcmp(path, "/moved") == 0)
        httpd_reply(r, 302, "text/plain", (struct slice){0}, elsewhere);
    else if (strcmp(path, "/missing") == 0)
        httpd_reply(r, 404, "text/plain", slice_str("no"), NULL);
    else
        server_answer_echo_(r);
}

/* Answer the request that waits, in the loop's thread. */
static inline void server_answer_waiting(struct server *s)
{
    assert_ok(loop_post(s->loop, server_answer_waiting_, s));
}

struct world {
    struct pki pki;
    struct server server;
};

static inline int world_setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    pki_init(&w->pki);
    server_start(&w->server, &w->pki.planner, &w->pki.ca, server_serve, NULL);
    *state = w;
    return 0;
}

static inline int world_teardown(void **state)
{
    struct world *w = *state;

    server_stop(&w->server);
    pki_done(&w->pki);
    free(w);
    return 0;
}

/* A client that trusts the CA and shows the agent's certificate. */
static inline struct http_conf agent_conf(const struct world *w)
{
    return (struct http_conf){.ca_file = w->pki.ca.cert_file,
                              .cert_file = w->pki.agent.cert_file,
                              .key_file = w->pki.agent.key_file};
}

/* One GET by a client of its own. Returns what http_do returned. */
static inline int get(const struct server *s, const struct http_conf *conf, const char *target,
                      struct http_reply *reply, struct err *err)
{
    auto_http struct http *h = NULL;
    char url[256];
    const struct http_request req = {.method = "GET", .url = server_url(s, target, url)};

    assert_ok(http_new(conf, &h, NULL));
    return http_do(h, &req, reply, err);
}

#define WITH_WORLD(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

#endif
