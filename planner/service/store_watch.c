/* SPDX-License-Identifier: Apache-2.0 */
/* The thread tries and posts; the loop's thread keeps what was posted. */
#include "planner/service/store_watch.h"

#include "base/auto.h"
#include "base/queue.h"
#include "base/worker.h"
#include "transport/vault.h"

#include <stdatomic.h>

#include "base/banned.h"

enum { EVERY_MS = 600 * 1000, AGAIN_MS = 15 * 1000 };

struct store_watch {
    struct service *service; /* the thread reads its constant members only */
    struct workers *thread;
    struct queue *alarm; /* never holds anything: popping it is a sleep that can be stopped */
    atomic_bool stop;
    struct store_watch_fact last; /* the loop's */
};

struct posted {
    struct store_watch *watch;
    struct store_watch_fact fact;
};

static void keep(void *arg)
{
    struct posted *p = arg;

    p->watch->last = p->fact;
    free(p);
}

static struct store_conf conf_of(struct store_watch *w)
{
    return (struct store_conf){
        .url = w->service->vault_url,
        .region = w->service->vault_region,
        .endpoint = w->service->vault_endpoint,
        .path_style = -1,
        .stop = &w->stop,
        .attempts = 2,
    };
}

/* Agents never make a vault: a mistyped place must not become a second one. */
static int ensure_vault(struct store_watch *w, struct err *err)
{
    const struct vault_conf conf = {
        .store = conf_of(w), .key = w->service->vault_key, .create = true};
    auto_vault struct vault *vault = NULL;

    return vault_open(&conf, &vault, err);
}

static int try_store(struct store_watch *w, struct store_caps *caps, struct err *err)
{
    const struct store_conf conf = conf_of(w);
    auto_store struct store *store = NULL;
    int r;

    r = store_open(&conf, &store, err);
    if (r == 0)
        r = store_probe(store, caps, err);
    return r < 0 ? r : ensure_vault(w, err);
}

/* How long until the next try. */
static uint64_t try_once(struct store_watch *w)
{
    uint64_t wait_ms;

    struct posted *p = calloc(1, sizeof(*p));

    if (!p)
        return AGAIN_MS;
    p->watch = w;
    p->fact.result = try_store(w, &p->fact.caps, &p->fact.err);
    p->fact.at_ms = clock_wall_ms(w->service->clock);
    wait_ms = p->fact.result < 0 ? AGAIN_MS : EVERY_MS;
    if (loop_post(w->service->loop, keep, p) < 0)
        free(p);
    return wait_ms;
}

static int run(void *arg, size_t index, struct err *err)
{
    struct store_watch *w = arg;
    uint64_t wait_ms;
    void *nothing;

    (void)index;
    (void)err;
    do
        wait_ms = try_once(w);
    while (queue_pop(w->alarm, wait_ms, &nothing) == -ETIMEDOUT);
    return 0;
}

int store_watch_new(struct service *svc, struct store_watch **ret, struct err *err)
{
    struct store_watch *w = calloc(1, sizeof(*w));
    int r;

    if (!w)
        return err_set(err, -ENOMEM, "watch the store: %m");
    w->service = svc;
    r = queue_new(1, &w->alarm, err);
    if (r == 0)
        r = workers_start(1, "store-watch", run, w, &w->thread, err);
    if (r < 0) {
        store_watch_free(w);
        return r;
    }
    *ret = w;
    return 0;
}

void store_watch_free(struct store_watch *w)
{
    if (!w)
        return;
    atomic_store(&w->stop, true);
    if (w->alarm)
        queue_stop(w->alarm);
    if (w->thread)
        (void)workers_join(w->thread, NULL);
    queue_free(w->alarm);
    free(w);
}

const struct store_watch_fact *store_watch_last(const struct store_watch *w)
{
    return &w->last;
}
