/* SPDX-License-Identifier: Apache-2.0 */
/* The answer thread: a bounded queue in front of POST /v1/agent/orders/{id}. */
#include "agent/answer.h"

#include "agent/client.h"
#include "base/err.h"
#include "base/http.h"
#include "base/log.h"
#include "base/queue.h"
#include "base/text.h"
#include "base/worker.h"

#include "base/banned.h"

enum {
    QUEUE_MAX = 256,
    POST_TIMEOUT_MS = 30 * 1000,
    BACKOFF_BASE_MS = 500,
    BACKOFF_MAX_MS = 15 * 1000,
    NAP_MS = 100,
    PATH_TEXT_MAX = 256,
};

struct answer {
    char path[PATH_TEXT_MAX];
    struct buf body;
};

struct answers {
    struct agent *agent;
    struct queue *queue;
    struct workers *thread;
    struct client *client;
    atomic_uint under_way; /* in the queue or being posted */
};

static void answer_free(struct answer *a)
{
    if (!a)
        return;
    buf_done(&a->body);
    free(a);
}

/* Wait, but see the stop flag. */
static bool nap(struct agent *a, uint64_t ms)
{
    for (uint64_t slept = 0; slept < ms && !atomic_load(&a->stop); slept += NAP_MS)
        clock_sleep_ms(a->clock, NAP_MS);
    return !atomic_load(&a->stop);
}

/* Until the planner took it, or said that it will not. */
static void post(struct answers *q, const struct answer *a)
{
    struct client_call call = {.method = "POST",
                               .path = a->path,
                               .body = buf_slice(&a->body),
                               .timeout_ms = POST_TIMEOUT_MS};

    for (unsigned attempt = 1; !atomic_load(&q->agent->stop); attempt++) {
        struct err err = {0};
        int r = client_do(q->client, &call, NULL, &err);

        if (r == 0) {
            agent_contact(q->agent);
            return;
        }
        if (r == -ENOENT || r == -EINVAL || r == -EACCES || r == -EEXIST) {
            log_err(LOG_LEVEL_WARNING, &err, "answer not taken");
            return;
        }
        if (!nap(q->agent,
                 http_backoff_ms(q->agent->rng, attempt, BACKOFF_BASE_MS, BACKOFF_MAX_MS)))
            return;
    }
}

static int run(void *arg, size_t index, struct err *err)
{
    struct answers *q = arg;
    void *item = NULL;

    (void)index;
    (void)err;
    while (queue_pop(q->queue, 0, &item) == 0) {
        post(q, item);
        answer_free(item);
        atomic_fetch_sub(&q->under_way, 1);
    }
    return 0;
}

int answers_new(struct agent *a, struct answers **ret, struct err *err)
{
    struct answers *q = calloc(1, sizeof(*q));
    int r;

    if (!q)
        return err_set(err, -ENOMEM, "answers: %m");
    q->agent = a;
    r = queue_new(QUEUE_MAX, &q->queue, err);
    if (r == 0)
        r = client_new(a->identity, &a->stop, &q->client, err);
    if (r == 0)
        r = workers_start(1, "answer", run, q, &q->thread, err);
    if (r < 0) {
        answers_free(q);
        return r;
    }
    *ret = q;
    return 0;
}

void answers_free(struct answers *q)
{
    void *item = NULL;

    if (!q)
        return;
    if (q->queue)
        queue_close(q->queue);
    if (q->thread)
        workers_join(q->thread, NULL);
    while (q->queue && queue_pop(q->queue, 1, &item) == 0)
        answer_free(item);
    queue_free(q->queue);
    client_free(q->client);
    free(q);
}

void answers_put(struct answers *q, const char *order_id, struct slice body)
{
    struct answer *a = q ? calloc(1, sizeof(*a)) : NULL;

    /* Without memory the answer is only saved: given when the order comes again. */
    if (!a || text_print(a->path, sizeof(a->path), "/v1/agent/orders/%s", order_id) < 0 ||
        buf_append(&a->body, body.data, body.len) < 0) {
        answer_free(a);
        return;
    }
    atomic_fetch_add(&q->under_way, 1);
    if (queue_push(q->queue, a) < 0) {
        atomic_fetch_sub(&q->under_way, 1);
        answer_free(a);
    }
}

int answers_flush(struct answers *q, uint64_t timeout_ms, struct err *err)
{
    uint64_t until = clock_mono_ms(q->agent->clock) + timeout_ms;

    while (atomic_load(&q->under_way) > 0) {
        if (clock_mono_ms(q->agent->clock) >= until)
            return err_set(err, -ETIMEDOUT, "answers to the planner: %m");
        clock_sleep_ms(q->agent->clock, NAP_MS);
    }
    return 0;
}
