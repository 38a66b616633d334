/* SPDX-License-Identifier: Apache-2.0 */
/* A group of threads behind a gate: either all of them run the function, or none does. */
#include "base/worker.h"

#include "base/auto.h"
#include "base/text.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include "base/banned.h"

enum gate { GATE_SHUT, GATE_OPEN, GATE_CANCELLED };

struct worker {
    struct workers *group;
    size_t index;
    pthread_t thread;
};

struct workers {
    worker_fn fn;
    void *arg;
    const char *name;
    pthread_mutex_t lock; /* guards gate, code and first */
    pthread_cond_t gate_moved;
    enum gate gate;
    int code; /* the first failure, 0 while there is none */
    struct err first;
    size_t n; /* threads that were created */
    struct worker each[];
};

static bool pass_gate(struct workers *g)
{
    bool open;

    pthread_mutex_lock(&g->lock);
    while (g->gate == GATE_SHUT)
        pthread_cond_wait(&g->gate_moved, &g->lock);
    open = g->gate == GATE_OPEN;
    pthread_mutex_unlock(&g->lock);
    return open;
}

static void move_gate(struct workers *g, enum gate to)
{
    pthread_mutex_lock(&g->lock);
    g->gate = to;
    pthread_cond_broadcast(&g->gate_moved);
    pthread_mutex_unlock(&g->lock);
}

static void keep_first(struct workers *g, int code, const struct err *err)
{
    pthread_mutex_lock(&g->lock);
    if (!g->code) {
        g->code = code;
        g->first = *err;
    }
    pthread_mutex_unlock(&g->lock);
}

static void *run(void *arg)
{
    struct worker *w = arg;
    struct workers *g = w->group;
    struct err err = {0};
    char name[16]; /* the kernel's limit for a thread's name */
    int code;

    if (text_print(name, sizeof(name), "%.10s-%zu", g->name, w->index) == 0)
        pthread_setname_np(pthread_self(), name);
    if (!pass_gate(g))
        return NULL;
    code = g->fn(g->arg, w->index, &err);
    if (code && !err.code)
        err_set(&err, code, "%s %zu: %m", g->name, w->index);
    if (code)
        keep_first(g, code, &err);
    return NULL;
}

static void join_and_free(struct workers *g)
{
    for (size_t i = 0; i < g->n; i++)
        pthread_join(g->each[i].thread, NULL);
    pthread_cond_destroy(&g->gate_moved);
    pthread_mutex_destroy(&g->lock);
    free(g);
}

/* Threads inherit the mask: signals belong to the thread that runs the loop. */
static int create_threads(struct workers *g, size_t n)
{
    sigset_t all;
    sigset_t old;
    int rc = 0;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    for (; g->n < n && rc == 0; g->n += (rc == 0)) {
        g->each[g->n] = (struct worker){.group = g, .index = g->n};
        rc = pthread_create(&g->each[g->n].thread, NULL, run, &g->each[g->n]);
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return -rc;
}

int workers_start(size_t n, const char *name, worker_fn fn, void *arg, struct workers **ret,
                  struct err *err)
{
    struct workers *g;
    size_t size;
    int rc;

    if (n == 0 || __builtin_mul_overflow(n, sizeof(g->each[0]), &size) ||
        __builtin_add_overflow(size, sizeof(*g), &size))
        return err_set(err, -EINVAL, "%zu threads '%s'", n, name);
    g = calloc(1, size);
    if (!g)
        return err_set(err, -ENOMEM, "%zu threads '%s': %m", n, name);
    g->fn = fn;
    g->arg = arg;
    g->name = name;
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->gate_moved, NULL);
    rc = create_threads(g, n);
    move_gate(g, rc < 0 ? GATE_CANCELLED : GATE_OPEN);
    if (rc < 0) {
        join_and_free(g);
        return err_set(err, rc, "start %zu threads '%s': %m", n, name);
    }
    *ret = g;
    return 0;
}

int workers_join(struct workers *taken_group, struct err *err)
{
    struct workers *g = taken_group;
    struct err first;
    int code;

    for (; g->n; g->n--)
        pthread_join(g->each[g->n - 1].thread, NULL);
    code = g->code;
    first = g->first;
    join_and_free(g);
    if (code && err)
        *err = first;
    return code;
}

size_t workers_cores(void)
{
    cpu_set_t set;
    long online;
    int n;

    if (sched_getaffinity(0, sizeof(set), &set) == 0) {
        n = CPU_COUNT(&set);
        return n > 0 ? (size_t)n : 1;
    }
    /* EINVAL: more processors than the set can hold. */
    online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (size_t)online : 1;
}
