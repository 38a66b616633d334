/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting requests, in a hash table by topic.
 *
 * A notification only marks; the handlers run in a later turn of the loop. So a handler may notify
 * inside its transaction and nobody reads what is not committed yet.
 */
#include "planner/service/hub.h"

#include "base/auto.h"
#include "base/num.h"
#include "base/text.h"
#include "planner/service/api_box.h"

#include <assert.h>

#include "base/banned.h"

enum { HUB_BUCKETS = 1024, HUB_TOPIC_MAX = 96, HUB_WAIT_MAX_MS = 30 * 1000 };

struct hub_wait {
    struct hub_wait *next, **prev; /* of its bucket, or of the woken */
    struct hub *hub;
    struct api_box *box;
    api_fn again;
    struct loop_timer *timer;
    char topic[HUB_TOPIC_MAX];
};

struct hub {
    struct service *service;
    struct hub_wait *buckets[HUB_BUCKETS];
    struct hub_wait *woken;
    struct loop_timer *wakeup; /* a run over the woken is due */
};

int hub_new(struct service *svc, struct hub **ret, struct err *err)
{
    struct hub *h = calloc(1, sizeof(*h));

    if (!h)
        return err_set(err, -ENOMEM, "begin to wait: %m");
    h->service = svc;
    *ret = h;
    return 0;
}

static void wait_link(struct hub_wait *w, struct hub_wait **list)
{
    w->prev = list;
    w->next = *list;
    if (w->next)
        w->next->prev = &w->next;
    *list = w;
}

static void wait_unlink(struct hub_wait *w)
{
    *w->prev = w->next;
    if (w->next)
        w->next->prev = w->prev;
}

static void wait_free(struct hub_wait *w)
{
    wait_unlink(w);
    loop_timer_free(w->timer);
    w->box->waiting = NULL;
    free(w);
}

static void drop_list(struct hub_wait **list)
{
    while (*list) {
        struct api_box *box = (*list)->box;

        wait_free(*list);
        api_box_free(box);
    }
}

void hub_free(struct hub *h)
{
    if (!h)
        return;
    for (size_t i = 0; i < HUB_BUCKETS; i++)
        drop_list(&h->buckets[i]);
    drop_list(&h->woken);
    loop_timer_free(h->wakeup);
    free(h);
}

/* FNV-1a */
static struct hub_wait **bucket_of(struct hub *h, const char *topic)
{
    uint32_t hash = 2166136261U;

    for (const char *p = topic; *p; p++)
        hash = (hash ^ (uint8_t)*p) * 16777619U;
    return &h->buckets[hash % HUB_BUCKETS];
}

static void run_again(struct hub_wait *w)
{
    struct api_box *box = w->box;
    const api_fn again = w->again;

    wait_free(w);
    api_box_run(box, again);
}

static void on_timeout(void *arg)
{
    run_again(arg);
}

static void on_gone(void *arg)
{
    struct api_box *box = arg;

    if (box->waiting)
        wait_free(box->waiting);
    api_box_free(box);
}

uint64_t api_may_wait_ms(struct api_call *call)
{
    struct api_box *box = api_box_of(call);
    const uint64_t now = clock_mono_ms(call->service->clock);
    uint64_t wait_s = 0;

    if (!box->timed) {
        const char *text = httpd_query(call->request, "wait");

        if (!text || num_parse_u64(text, 0, HUB_WAIT_MAX_MS / 1000, &wait_s, NULL) < 0)
            wait_s = text && text[0] >= '1' && text[0] <= '9' ? HUB_WAIT_MAX_MS / 1000 : 0;
        box->deadline_ms = now + wait_s * 1000;
        box->timed = true;
    }
    return box->deadline_ms > now ? box->deadline_ms - now : 0;
}

int hub_wait(struct hub *h, struct api_call *call, api_fn again, const char *topic,
             uint64_t wait_ms, struct err *err)
{
    struct api_box *box = api_box_of(call);
    auto_free struct hub_wait *w = NULL;
    int r;

    assert(!box->waiting && !box->answered && !box->in_changes);
    w = calloc(1, sizeof(*w));
    if (!w)
        return err_set(err, -ENOMEM, "wait for '%s': %m", topic);
    *w = (struct hub_wait){.hub = h, .box = box, .again = again};
    r = text_copy(w->topic, sizeof(w->topic), topic);
    if (r < 0)
        return err_set(err, r, "topic '%s' is too long", topic);
    r = loop_timer_new(h->service->loop, wait_ms, 0, on_timeout, w, &w->timer, err);
    if (r < 0)
        return r;
    wait_link(w, bucket_of(h, topic));
    box->waiting = TAKE(w);
    if (!box->deferred) {
        box->deferred = true;
        httpd_defer(call->request, on_gone, box);
    }
    return 0;
}

static void on_wakeup(void *arg)
{
    struct hub *h = arg;

    loop_timer_free(h->wakeup);
    h->wakeup = NULL;
    /* One at a time from the start: running a handler may add and remove any of them. */
    while (h->woken)
        run_again(h->woken);
}

void hub_notify(struct hub *h, const char *topic)
{
    struct hub_wait *next;

    if (!h)
        return;
    for (struct hub_wait *w = *bucket_of(h, topic); w; w = next) {
        next = w->next;
        if (!text_equal(w->topic, topic))
            continue;
        wait_unlink(w);
        wait_link(w, &h->woken);
    }
    /* Without memory for the timer, they answer when their time is up. */
    if (h->woken && !h->wakeup)
        (void)loop_timer_new(h->service->loop, 0, 0, on_wakeup, h, &h->wakeup, NULL);
}

void hub_notify_agent(struct hub *h, const char *identity)
{
    char topic[HUB_TOPIC_MAX];

    if (text_print(topic, sizeof(topic), "agent:%s", identity) == 0)
        hub_notify(h, topic);
}
