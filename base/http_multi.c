/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread that moves the bytes of many handles over libcurl's multi interface. Callers block in
 * http_do as ever; connections belong to the multi and go from one handle to the next, so a handle
 * that is new begins on a connection that is warm. What is paced is paused here, not slept for.
 */
#include "base/http_priv.h"

#include "base/err.h"
#include "base/num.h"
#include "base/worker.h"

#include <stdlib.h>

#include "base/banned.h"

enum {
    POLL_MS = 100, /* how late a stop may be seen while nothing moves */
    CONNECTIONS_KEPT = 32,
};

struct http_multi {
    atomic_uint refs;
    CURLM *multi;
    struct workers *thread;
    struct http_transfer *running; /* the thread's own */

    pthread_mutex_t lock; /* of the rest */
    struct http_transfer *incoming;
    bool ending;
};

/* -- the thread ------------------------------------------------------------ */

static void end_transfer(struct http_multi *m, struct http_transfer *t, CURLcode result)
{
    pthread_mutex_lock(&m->lock);
    t->result = result;
    t->done = true;
    pthread_cond_signal(&t->ended);
    pthread_mutex_unlock(&m->lock);
}

static void add(struct http_multi *m, struct http_transfer *t)
{
    CURLMcode code = curl_multi_add_handle(m->multi, t->http->easy);

    if (code != CURLM_OK) {
        end_transfer(m, t, code == CURLM_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY : CURLE_FAILED_INIT);
        return;
    }
    t->next = m->running;
    m->running = t;
}

/* False at the end: then nobody is left who could bring anything. */
static bool take_incoming(struct http_multi *m)
{
    struct http_transfer *t;
    bool ending;

    pthread_mutex_lock(&m->lock);
    t = TAKE(m->incoming);
    ending = m->ending;
    pthread_mutex_unlock(&m->lock);
    while (t) {
        struct http_transfer *next = t->next;

        add(m, t);
        t = next;
    }
    return !ending;
}

static void reap_one(struct http_multi *m, CURL *easy, CURLcode result)
{
    struct http_transfer **at = &m->running;

    while (*at && (*at)->http->easy != easy)
        at = &(*at)->next;
    curl_multi_remove_handle(m->multi, easy);
    if (*at) {
        struct http_transfer *t = *at;

        *at = t->next;
        end_transfer(m, t, result);
    }
}

static void reap(struct http_multi *m)
{
    CURLMsg *msg;
    int left;

    while ((msg = curl_multi_info_read(m->multi, &left)))
        if (msg->msg == CURLMSG_DONE)
            reap_one(m, msg->easy_handle, msg->data.result);
}

/* Those whose pause is over go on. Returns when to look again. */
static uint64_t resume(struct http_multi *m)
{
    uint64_t next_ms = POLL_MS;

    for (struct http_transfer *t = m->running; t; t = t->next) {
        uint64_t wait_ms = t->paused ? http_transfer_ask(t) : POLL_MS;

        next_ms = num_min(next_ms, wait_ms);
        if (wait_ms > 0)
            continue;
        t->paused = false;
        curl_easy_pause(t->http->easy, CURLPAUSE_CONT);
    }
    return next_ms;
}

static int serve(void *arg, size_t index, struct err *err)
{
    struct http_multi *m = arg;

    (void)index;
    (void)err;
    while (take_incoming(m)) {
        int running;

        curl_multi_perform(m->multi, &running);
        reap(m);
        curl_multi_poll(m->multi, NULL, 0, (int)resume(m), NULL);
    }
    return 0;
}

/* -- the callers ----------------------------------------------------------- */

CURLcode http_multi_perform(struct http_multi *m, struct http_transfer *t)
{
    pthread_cond_init(&t->ended, NULL);
    pthread_mutex_lock(&m->lock);
    t->next = m->incoming;
    m->incoming = t;
    curl_multi_wakeup(m->multi);
    while (!t->done)
        pthread_cond_wait(&t->ended, &m->lock); /* on_progress sees stop and deadlines */
    pthread_mutex_unlock(&m->lock);
    pthread_cond_destroy(&t->ended);
    return t->result;
}

int http_multi_new(struct http_multi **ret, struct err *err)
{
    struct http_multi *m = calloc(1, sizeof(*m));
    int rc;

    if (!m)
        return err_set(err, -ENOMEM, "start an HTTP client: %m");
    atomic_init(&m->refs, 1);
    pthread_mutex_init(&m->lock, NULL);
    m->multi = http_start() ? curl_multi_init() : NULL;
    if (!m->multi) {
        http_multi_unref(m);
        return err_set(err, -ENOMEM, "start an HTTP client: %m");
    }
    curl_multi_setopt(m->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
    /* Each stream has a connection of its own: one lost segment must not hold up all of them. */
    curl_multi_setopt(m->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    rc = workers_start(1, "http", serve, m, &m->thread, err);
    if (rc < 0) {
        http_multi_unref(m);
        return rc;
    }
    *ret = m;
    return 0;
}

struct http_multi *http_multi_ref(struct http_multi *m)
{
    if (m)
        atomic_fetch_add(&m->refs, 1);
    return m;
}

void http_multi_unref(struct http_multi *m)
{
    if (!m || atomic_fetch_sub(&m->refs, 1) != 1)
        return;
    pthread_mutex_lock(&m->lock);
    m->ending = true;
    pthread_mutex_unlock(&m->lock);
    if (m->thread) {
        curl_multi_wakeup(m->multi);
        (void)workers_join(m->thread, NULL);
    }
    if (m->multi)
        curl_multi_cleanup(m->multi);
    pthread_mutex_destroy(&m->lock);
    free(m);
}
