/* SPDX-License-Identifier: Apache-2.0 */
/* One thread, one vault handle, opened when first needed and again after a failure. */
#include "planner/service/vaultq.h"

#include "base/auto.h"
#include "base/queue.h"
#include "base/worker.h"

#include "base/banned.h"

enum { VAULTQ_DEPTH = 256 };

struct vaultq {
    struct service *svc; /* only its constant members are read from the thread */
    struct queue *jobs;
    struct workers *thread;
    atomic_bool stop;
};

static int open_vault(struct vaultq *q, struct vault **ret, struct err *err)
{
    struct vault_conf conf = {
        .store = {.url = q->svc->vault_url,
                  .region = q->svc->vault_region,
                  .endpoint = q->svc->vault_endpoint,
                  .path_style = -1,
                  .attempts = 3,
                  .stop = &q->stop},
        .key = q->svc->vault_key,
    };

    return vault_open(&conf, ret, err);
}

static int run_job(struct vault *v, struct vaultq_job *job)
{
    struct control_verdict wanted;

    switch (job->kind) {
    case VAULTQ_CLAIM:
        return control_claim(v, job->workload, job->epoch, job->holder, &job->err);
    case VAULTQ_DECIDE:
        wanted = job->verdict;
        return control_decide(v, job->workload, &wanted, &job->verdict, &job->err);
    }
    return -EINVAL;
}

static void deliver(void *arg)
{
    struct vaultq_job *job = arg;

    job->done(job->arg, job);
}

static void answer(struct vaultq *q, struct vault **vault, struct vaultq_job *job)
{
    job->result = *vault ? 0 : open_vault(q, vault, &job->err);
    if (job->result == 0)
        job->result = run_job(*vault, job);
    if (loop_post(q->svc->loop, deliver, job) < 0)
        free(job);
}

static int thread_main(void *arg, size_t index, struct err *err)
{
    struct vaultq *q = arg;
    auto_vault struct vault *v = NULL;
    void *item;

    (void)index;
    (void)err; /* a job's failure is the job's own */
    while (queue_pop(q->jobs, 0, &item) == 0)
        answer(q, &v, item);
    return 0;
}

int vaultq_new(struct service *svc, struct vaultq **ret, struct err *err)
{
    struct vaultq *q = calloc(1, sizeof(*q));
    int r;

    if (!q)
        return err_set(err, -ENOMEM, "the vault's thread: %m");
    q->svc = svc;
    r = queue_new(VAULTQ_DEPTH, &q->jobs, err);
    if (r == 0)
        r = workers_start(1, "vaultq", thread_main, q, &q->thread, err);
    if (r < 0) {
        queue_free(q->jobs);
        free(q);
        return r;
    }
    *ret = q;
    return 0;
}

void vaultq_free(struct vaultq *q)
{
    void *item;

    if (!q)
        return;
    atomic_store(&q->stop, true);
    queue_close(q->jobs);
    while (queue_pop(q->jobs, 0, &item) == 0)
        free(item);
    workers_join(q->thread, NULL);
    queue_free(q->jobs);
    free(q);
}

int vaultq_push(struct vaultq *q, struct vaultq_job *taken_job, struct err *err)
{
    int r;

    /* Never block the loop: a queue this full means a store that does not answer. */
    if (queue_len(q->jobs) >= VAULTQ_DEPTH) {
        free(taken_job);
        return err_set_gw(err, GW_STORE_UNREACHABLE, -EAGAIN,
                          "%d questions to the vault are waiting already", VAULTQ_DEPTH);
    }
    r = queue_push(q->jobs, taken_job);
    if (r < 0)
        free(taken_job);
    return r;
}
