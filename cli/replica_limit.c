/* SPDX-License-Identifier: Apache-2.0 */
/* A file and not a signal: it says what counts now, several runs may share it, and nobody has to
 * find out process ids. */
#include "cli/replica_limit.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/text.h"
#include "base/worker.h"
#include "transport/rate.h"
#include "transport/rate_table.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/banned.h"

enum { LIMIT_LOOK_MS = 500, LIMIT_FILE_MAX = 4096 };

struct replica_limit {
    struct rate *rate;
    char *path; /* NULL: what was given never changes */
    struct stat seen;
    struct workers *thread;
    pthread_mutex_t lock; /* guards stop */
    pthread_cond_t wake;
    bool stop;
};

/* Over several lines if need be, and '#' begins a comment: it is a file that people edit. */
static int parse_file(struct buf *text, struct rate_table *ret, struct err *err)
{
    char *at = (char *)text->data;
    size_t end;

    for (char *p = at; *p; p++) {
        if (*p == '#')
            memset(p, ' ', strcspn(p, "\n"));
        if (*p == '\n')
            *p = ' ';
    }
    end = strlen(at);
    while (end > 0 && at[end - 1] == ' ')
        end--;
    at[end] = '\0';
    return rate_table_parse(at, ret, err);
}

static int load(struct replica_limit *l, struct err *err)
{
    auto_buf struct buf text = {0};
    struct rate_table table;
    int r = fd_load(l->path, LIMIT_FILE_MAX, &text, err);

    if (r == 0 && !buf_cstr(&text))
        r = err_set(err, -ENOMEM, "%m");
    if (r == 0)
        r = parse_file(&text, &table, err);
    if (r < 0)
        return err_add(err, r, "the limit in '%s'", l->path);
    rate_set_table(l->rate, &table);
    return 0;
}

static bool has_changed(struct replica_limit *l)
{
    struct stat now = {0};

    if (stat(l->path, &now) < 0)
        return false; /* an editor replaces it: what counted counts on */
    if (now.st_ino == l->seen.st_ino && now.st_size == l->seen.st_size &&
        now.st_mtim.tv_sec == l->seen.st_mtim.tv_sec &&
        now.st_mtim.tv_nsec == l->seen.st_mtim.tv_nsec)
        return false;
    l->seen = now;
    return true;
}

/* True when it is time to end. */
static bool pause_or_stop(struct replica_limit *l)
{
    struct timespec until;
    bool stop;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += LIMIT_LOOK_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&l->lock);
    if (!l->stop)
        pthread_cond_timedwait(&l->wake, &l->lock, &until);
    stop = l->stop;
    pthread_mutex_unlock(&l->lock);
    return stop;
}

static int thread_main(void *arg, size_t index, struct err *err)
{
    struct replica_limit *l = arg;

    (void)index;
    (void)err;
    while (!pause_or_stop(l)) {
        struct err why = {0};

        if (has_changed(l) && load(l, &why) < 0)
            fprintf(stderr, "%s; what counted before counts on\n", why.text);
    }
    return 0;
}

static int set_up(struct replica_limit *l, const char *text, struct err *err)
{
    struct rate_table table;
    int r;

    if (!text_starts(text, "file:")) {
        r = rate_table_parse(text, &table, err);
        if (r == 0)
            rate_set_table(l->rate, &table);
        return r < 0 ? err_add(err, r, "--limit") : 0;
    }
    l->path = strdup(text + strlen("file:"));
    if (!l->path)
        return err_set(err, -ENOMEM, "--limit: %m");
    (void)has_changed(l);
    r = load(l, err);
    return r < 0 ? r : workers_start(1, "limit", thread_main, l, &l->thread, err);
}

int replica_limit_new(const char *text, const struct clock *clock, struct replica_limit **ret,
                      struct err *err)
{
    struct replica_limit *l = calloc(1, sizeof(*l));
    pthread_condattr_t attr;
    int r;

    if (!l)
        return err_set(err, -ENOMEM, "--limit: %m");
    pthread_mutex_init(&l->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&l->wake, &attr);
    pthread_condattr_destroy(&attr);
    r = rate_new(0, clock, &l->rate, err);
    if (r == 0)
        r = set_up(l, text, err);
    if (r < 0) {
        replica_limit_free(l);
        return r;
    }
    *ret = l;
    return 0;
}

void replica_limit_free(struct replica_limit *l)
{
    if (!l)
        return;
    pthread_mutex_lock(&l->lock);
    l->stop = true;
    pthread_cond_signal(&l->wake);
    pthread_mutex_unlock(&l->lock);
    if (l->thread)
        workers_join(l->thread, NULL);
    pthread_cond_destroy(&l->wake);
    pthread_mutex_destroy(&l->lock);
    rate_free(l->rate);
    free(l->path);
    free(l);
}

struct rate *replica_limit_rate(struct replica_limit *l)
{
    return l ? l->rate : NULL;
}
