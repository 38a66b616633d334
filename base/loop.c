/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop of a daemon over libevent. libevent itself runs unlocked in one thread; other
 * threads reach it only through a locked list and an eventfd.
 */
#include "base/loop.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/log.h"

#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/eventfd.h>

#include "base/banned.h"

enum { PRIORITY_FIRST, PRIORITY_CROWD, PRIORITIES };
enum { TURN_MS = 5, TURN_CALLS = 64 };

struct post {
    struct post *next;
    loop_fn fn;
    void *arg;
};

struct loop {
    struct event_base *base;
    struct event *wake;
    struct event *sigterm, *sigint, *sighup;
    loop_fn on_hup;
    void *on_hup_arg;
    int wake_fd;
    pthread_mutex_t lock;
    /* guarded by lock: */
    struct post *first, **end;
    bool stopping;
};

struct loop_timer {
    struct event *event;
    uint64_t period_ms;
    loop_fn fn;
    void *arg;
};

static void on_libevent_log(int severity, const char *text)
{
    (void)severity;
    log_debug("libevent: %s", text);
}

static void wake_up(struct loop *l)
{
    eventfd_write(l->wake_fd, 1); /* fails only when it is about to wake anyway */
}

static struct post *take_posts(struct loop *l, bool *ret_stopping)
{
    struct post *list;

    pthread_mutex_lock(&l->lock);
    list = l->first;
    l->first = NULL;
    l->end = &l->first;
    *ret_stopping = l->stopping;
    pthread_mutex_unlock(&l->lock);
    return list;
}

static void run_posts(struct post *taken_list)
{
    while (taken_list) {
        struct post *p = taken_list;

        taken_list = p->next;
        p->fn(p->arg);
        free(p);
    }
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    struct loop *l = arg;
    eventfd_t count;
    bool stopping;

    (void)what;
    eventfd_read(fd, &count);
    run_posts(take_posts(l, &stopping));
    if (stopping)
        event_base_loopbreak(l->base);
}

/*
 * Timers, posts and signals do not wait for a crowd of connections: after TURN_MS or TURN_CALLS of
 * those, the loop looks for the others. A hundred handshakes at once are 80 ms of work.
 */
static struct event_base *base_new(void)
{
    static const struct timeval turn = {.tv_usec = TURN_MS * 1000L};
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;

    if (config && event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0 &&
        event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV) == 0 &&
        event_config_set_max_dispatch_interval(config, &turn, TURN_CALLS, PRIORITY_CROWD) == 0)
        base = event_base_new_with_config(config);
    if (config)
        event_config_free(config);
    if (base && event_base_priority_init(base, PRIORITIES) < 0) {
        event_base_free(base);
        return NULL;
    }
    return base;
}

/* What libevent makes by itself, bufferevents above all, gets the middle: PRIORITY_CROWD. */
static int add_first(struct event *e, const struct timeval *tv)
{
    return event_priority_set(e, PRIORITY_FIRST) < 0 ? -1 : event_add(e, tv);
}

int loop_new(struct loop **ret, struct err *err)
{
    struct loop *l = calloc(1, sizeof(*l));

    if (!l)
        return err_set(err, -ENOMEM, "start a loop: %m");
    pthread_mutex_init(&l->lock, NULL);
    l->end = &l->first;
    event_set_log_callback(on_libevent_log);
    l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    l->base = base_new();
    if (l->base && l->wake_fd >= 0)
        l->wake = event_new(l->base, l->wake_fd, EV_READ | EV_PERSIST, on_wake, l);
    if (!l->wake || add_first(l->wake, NULL) < 0) {
        loop_free(l);
        return err_set(err, -ENOMEM, "start a loop: %m");
    }
    *ret = l;
    return 0;
}

static void event_drop(struct event *e)
{
    if (e)
        event_free(e);
}

void loop_free(struct loop *l)
{
    struct post *left;
    bool stopping;

    if (!l)
        return;
    event_drop(l->wake);
    event_drop(l->sigterm);
    event_drop(l->sigint);
    event_drop(l->sighup);
    left = take_posts(l, &stopping);
    while (left) {
        struct post *p = left;

        left = p->next;
        free(p);
    }
    if (l->base) {
        /* Bufferevents free themselves a turn later; event_base_free misses some of them. */
        event_base_loop(l->base, EVLOOP_NONBLOCK);
        event_base_free(l->base);
    }
    if (l->wake_fd >= 0)
        close(l->wake_fd);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

int loop_run(struct loop *l, struct err *err)
{
    bool stopping;

    if (event_base_dispatch(l->base) < 0)
        return err_set(err, -EIO, "run the loop: %m");
    /* What was promised to a poster before the stop is kept. */
    run_posts(take_posts(l, &stopping));
    return 0;
}

void loop_stop(struct loop *l)
{
    pthread_mutex_lock(&l->lock);
    l->stopping = true;
    pthread_mutex_unlock(&l->lock);
    wake_up(l);
}

int loop_post(struct loop *l, loop_fn fn, void *arg)
{
    struct post *p = malloc(sizeof(*p));
    int r = 0;

    if (!p)
        return -ENOMEM;
    *p = (struct post){.fn = fn, .arg = arg};
    pthread_mutex_lock(&l->lock);
    if (l->stopping) {
        r = -ECANCELED;
    } else {
        *l->end = p;
        l->end = &p->next;
    }
    pthread_mutex_unlock(&l->lock);
    if (r < 0)
        free(p);
    else
        wake_up(l);
    return r;
}

static int timer_arm(struct loop_timer *t, uint64_t delay_ms)
{
    const struct timeval tv = {.tv_sec = (time_t)(delay_ms / 1000),
                               .tv_usec = (suseconds_t)(delay_ms % 1000 * 1000)};

    return add_first(t->event, &tv);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct loop_timer *t = arg;

    (void)fd;
    (void)what;
    if (t->period_ms > 0)
        timer_arm(t, t->period_ms);
    t->fn(t->arg); /* may free t */
}

int loop_timer_new(struct loop *l, uint64_t delay_ms, uint64_t period_ms, loop_fn fn, void *arg,
                   struct loop_timer **ret, struct err *err)
{
    struct loop_timer *t = malloc(sizeof(*t));

    if (t) {
        *t = (struct loop_timer){.period_ms = period_ms, .fn = fn, .arg = arg};
        t->event = event_new(l->base, -1, 0, on_timer, t);
    }
    if (!t || !t->event || timer_arm(t, delay_ms) < 0) {
        loop_timer_free(t);
        return err_set(err, -ENOMEM, "set a timer: %m");
    }
    *ret = t;
    return 0;
}

void loop_timer_free(struct loop_timer *t)
{
    if (!t)
        return;
    event_drop(t->event);
    free(t);
}

static void on_stop_signal(evutil_socket_t number, short what, void *arg)
{
    (void)number;
    (void)what;
    loop_stop(arg);
}

static void on_hup_signal(evutil_socket_t number, short what, void *arg)
{
    struct loop *l = arg;

    (void)number;
    (void)what;
    if (l->on_hup)
        l->on_hup(l->on_hup_arg);
}

static struct event *catch_signal(struct loop *l, int number, event_callback_fn fn)
{
    struct event *e = evsignal_new(l->base, number, fn, l);

    if (e && add_first(e, NULL) < 0) {
        event_free(e);
        return NULL;
    }
    return e;
}

int loop_signals(struct loop *l, loop_fn on_hup, void *arg, struct err *err)
{
    l->on_hup = on_hup;
    l->on_hup_arg = arg;
    l->sigterm = catch_signal(l, SIGTERM, on_stop_signal);
    l->sigint = catch_signal(l, SIGINT, on_stop_signal);
    l->sighup = catch_signal(l, SIGHUP, on_hup_signal);
    if (!l->sigterm || !l->sigint || !l->sighup)
        return err_set(err, -ENOMEM, "catch signals: %m");
    return 0;
}

struct event_base *loop_base(struct loop *l)
{
    return l->base;
}
