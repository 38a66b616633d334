/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of a run as a bar, lines or JSON on stderr. */
#include "cli/progress.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/num.h"
#include "base/opt.h"
#include "base/text.h"
#include "base/worker.h"
#include "cli/cmd.h"
#include "cli/out.h"
#include "transport/progress_rate.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/banned.h"

enum progress_mode {
    PROGRESS_AUTO,
    PROGRESS_NONE,
    PROGRESS_BAR,
    PROGRESS_PLAIN,
    PROGRESS_JSON,
    PROGRESS_STREAM /* JSON among the records of the answer */
};

enum {
    PROGRESS_BAR_MS = 200,
    PROGRESS_JSON_MS = 1000,
    PROGRESS_PLAIN_MS = 30000,
    PROGRESS_CELLS = 24
};

struct progress {
    const char *label;
    const struct replica_progress *counters;
    struct out *out;
    enum progress_mode mode;
    bool si;
    struct workers *thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop; /* under lock */
    uint64_t started_ms;
    struct progress_rate rate;
};

/* Signals can only reach file-scope state. */
static atomic_bool interrupted;
static atomic_bool asked;

static void on_interrupt(int sig)
{
    (void)sig;
    atomic_store(&interrupted, true);
}

static void on_usr1(int sig)
{
    (void)sig;
    atomic_store(&asked, true);
}

const atomic_bool *progress_interrupted(void)
{
    return &interrupted;
}

const atomic_bool *progress_interrupts(void)
{
    struct sigaction act = {.sa_handler = on_interrupt};

    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    act.sa_handler = on_usr1;
    act.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &act, NULL);
    return &interrupted;
}

static const struct {
    const char *name;
    enum progress_mode mode;
} modes[] = {
    {"auto", PROGRESS_AUTO}, {"bar", PROGRESS_BAR},   {"plain", PROGRESS_PLAIN},
    {"json", PROGRESS_JSON}, {"none", PROGRESS_NONE},
};

/* False: there is none of that name. */
static bool mode_named(const char *name, enum progress_mode *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        if (text_equal(modes[i].name, name)) {
            *ret = modes[i].mode;
            return true;
        }
    }
    return false;
}

int progress_check(struct err *err)
{
    const char *want = getenv("GODWIT_PROGRESS");
    enum progress_mode mode;

    if (!want || !want[0] || mode_named(want, &mode))
        return 0;
    return err_set_gw(err, GW_BAD_VALUE, -EINVAL,
                      "GODWIT_PROGRESS is '%s', and not auto, bar, plain, json or none", want);
}

static enum progress_mode mode_of(const struct cmd_call *call)
{
    const struct opt_set *opts = call->opts;
    enum progress_mode mode = PROGRESS_AUTO;

    (void)mode_named(opt_given(opts, "progress") ? opt_text(opts, "progress")
                                                 : getenv("GODWIT_PROGRESS"),
                     &mode);
    if (opt_switch(opts, "quiet"))
        return PROGRESS_NONE;
    if (mode != PROGRESS_AUTO)
        return mode;
    if (out_form(call->out) == OUT_JSONL)
        return PROGRESS_STREAM;
    return isatty(STDERR_FILENO) && !text_equal(getenv("TERM"), "dumb") ? PROGRESS_BAR
                                                                        : PROGRESS_PLAIN;
}

struct reading {
    uint64_t total, done, changed, moved;
    double share; /* 0..1, below 0 = not known */
    double eta_s; /* below 0 = not known */
};

static struct reading read_counters(struct progress *p)
{
    struct reading r = {
        .total = atomic_load(&p->counters->total_bytes),
        .done = atomic_load(&p->counters->done_bytes),
        .changed = atomic_load(&p->counters->changed_bytes),
        .moved = atomic_load(&p->counters->sent_bytes) + atomic_load(&p->counters->received_bytes),
        .share = -1,
    };

    if (r.total > 0)
        r.share = r.done >= r.total ? 1.0 : (double)r.done / (double)r.total;
    progress_rate_look(&p->rate, clock_mono_ms(&clock_system), r.done, r.moved);
    r.eta_s = progress_rate_eta_s(&p->rate, r.total);
    return r;
}

static void text_line(struct progress *p, const struct reading *r, char *out, size_t size)
{
    char done[NUM_TEXT_MAX], rate[NUM_TEXT_MAX], changed[NUM_TEXT_MAX], moved[NUM_TEXT_MAX],
        moving[NUM_TEXT_MAX], eta[NUM_TEXT_MAX];

    num_format_bytes(r->done, p->si, done);
    num_format_bytes((uint64_t)p->rate.done_per_s, p->si, rate);
    num_format_bytes(r->changed, p->si, changed);
    num_format_bytes(r->moved, p->si, moved);
    num_format_bytes((uint64_t)p->rate.moved_per_s, p->si, moving);
    num_format_duration(r->eta_s < 0 ? 0 : (uint64_t)(r->eta_s * 1000), eta);
    snprintf(out, size, "%s at %s/s  changed %s  moved %s at %s/s  %s%s", done, rate, changed,
             moved, moving, r->eta_s < 0 ? "" : "ETA ", r->eta_s < 0 ? "" : eta);
}

static void show_bar(struct progress *p, const struct reading *r)
{
    char line[256], bar[PROGRESS_CELLS + 1];
    size_t full = r->share < 0 ? 0 : (size_t)(r->share * PROGRESS_CELLS);

    memset(bar, ' ', PROGRESS_CELLS);
    memset(bar, '#', full);
    bar[PROGRESS_CELLS] = '\0';
    text_line(p, r, line, sizeof(line));
    fprintf(stderr, "\r\033[K%s [%s] %3.0f%%  %s", p->label, bar, r->share < 0 ? 0 : r->share * 100,
            line);
    fflush(stderr);
}

static void show_plain(struct progress *p, const struct reading *r)
{
    char line[256];

    text_line(p, r, line, sizeof(line));
    fprintf(stderr, "%s %.0f%%  %s\n", p->label, r->share < 0 ? 0 : r->share * 100, line);
}

static int reading_document(const struct progress *p, const struct reading *r, struct js **ret)
{
    auto_jsw struct jsw *w = NULL;
    int code = jsw_new(&w, NULL);

    if (code < 0)
        return code;
    jsw_obj(w, NULL);
    jsw_str(w, "type", "progress");
    jsw_str(w, "what", p->label);
    jsw_u64(w, "total_bytes", r->total);
    jsw_u64(w, "done_bytes", r->done);
    jsw_u64(w, "changed_bytes", r->changed);
    jsw_u64(w, "moved_bytes", r->moved);
    jsw_u64(w, "bytes_per_s", (uint64_t)p->rate.done_per_s);
    jsw_u64(w, "moved_per_s", (uint64_t)p->rate.moved_per_s);
    jsw_f64(w, "eta_s", r->eta_s < 0 ? NAN : r->eta_s);
    jsw_end(w);
    return jsw_take(w, ret, NULL);
}

static void show_json(struct progress *p, const struct reading *r)
{
    auto_js struct js *doc = NULL;
    auto_buf struct buf text = {0};

    if (reading_document(p, r, &doc) < 0)
        return;
    if (p->mode == PROGRESS_STREAM)
        (void)out_record(p->out, "progress", doc, NULL);
    else if (js_print(doc, false, false, &text, NULL) == 0)
        fprintf(stderr, "%s\n", buf_cstr(&text));
}

static uint64_t period_ms(enum progress_mode mode)
{
    switch (mode) {
    case PROGRESS_BAR:
        return PROGRESS_BAR_MS;
    case PROGRESS_JSON:
    case PROGRESS_STREAM:
        return PROGRESS_JSON_MS;
    default:
        return PROGRESS_PLAIN_MS;
    }
}

static void show(struct progress *p)
{
    struct reading r = read_counters(p);

    if (p->mode == PROGRESS_BAR)
        show_bar(p, &r);
    else if (p->mode == PROGRESS_JSON || p->mode == PROGRESS_STREAM)
        show_json(p, &r);
    else
        show_plain(p, &r);
}

/* Waits in short pieces so that SIGUSR1 is answered soon. True when it is time to end. */
static bool wait_piece(struct progress *p)
{
    struct timespec until;
    bool stop;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += PROGRESS_BAR_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&p->lock);
    if (!p->stop)
        pthread_cond_timedwait(&p->wake, &p->lock, &until);
    stop = p->stop;
    pthread_mutex_unlock(&p->lock);
    return stop;
}

static int thread_main(void *arg, size_t index, struct err *err)
{
    struct progress *p = arg;
    uint64_t shown_ms = p->started_ms;

    (void)index;
    (void)err;
    while (!wait_piece(p)) {
        uint64_t now = clock_mono_ms(&clock_system);

        if (now - shown_ms < period_ms(p->mode) && !atomic_exchange(&asked, false))
            continue;
        show(p);
        shown_ms = now;
    }
    if (p->mode == PROGRESS_BAR)
        fputs("\r\033[K", stderr);
    return 0;
}

static void init_wait(struct progress *p)
{
    pthread_condattr_t attr;

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&p->wake, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&p->lock, NULL);
}

int progress_start(const struct cmd_call *call, const char *label,
                   const struct replica_progress *counters, struct progress **ret, struct err *err)
{
    struct progress *p;
    int r = out_begin(call->out, err); /* before there are two threads that print */

    if (r < 0)
        return r;
    p = calloc(1, sizeof(*p));

    if (!p)
        return err_set(err, -ENOMEM, "progress: %m");
    p->label = label;
    p->counters = counters;
    p->out = call->out;
    p->mode = mode_of(call);
    p->si = opt_switch(call->opts, "si");
    p->started_ms = clock_mono_ms(&clock_system);
    progress_rate_init(&p->rate, p->started_ms);
    init_wait(p);
    if (p->mode != PROGRESS_NONE) {
        r = workers_start(1, "progress", thread_main, p, &p->thread, err);
        if (r < 0) {
            free(p);
            return r;
        }
    }
    *ret = p;
    return 0;
}

void progress_stop(struct progress *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->lock);
    if (p->thread)
        workers_join(p->thread, NULL);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
