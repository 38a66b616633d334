/* SPDX-License-Identifier: Apache-2.0 */
/* The table of orders, and what is common to all: repeated answers, deadlines, retries, saving. */
#include "agent/order.h"

#include "agent/answer.h"
#include "base/complaint.h"
#include "base/err.h"
#include "base/fail.h"
#include "base/fd.h"
#include "base/gw.h"
#include "base/http.h"
#include "base/log.h"
#include "base/num.h"
#include "base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "base/banned.h"

enum { ANSWER_MAX = 1 << 20, RETRY_BASE_MS = 300, RETRY_MAX_MS = 5000, KEEP_S = 30 * 86400 };

/* A running order is interrupted by one of a higher rank, when its row says that it may be. */
enum order_rank { RANK_CHECK, RANK_SWITCH, RANK_UNDO };

static const struct order_row {
    const char *kind;
    order_fn carry_out;
    enum order_rank rank;
    bool yields;
    bool ends;    /* its deadline ends it; else it is repeated until it is done */
    bool without; /* needs no assignment */
} orders[] = {
    {.kind = "adopt", .carry_out = order_adopt, .rank = RANK_SWITCH, .without = true},
    {.kind = "fence", .carry_out = order_fence, .rank = RANK_SWITCH, .ends = true},
    {.kind = "final", .carry_out = order_final, .rank = RANK_SWITCH, .yields = true, .ends = true},
    {.kind = "apply", .carry_out = order_apply, .rank = RANK_SWITCH, .yields = true, .ends = true},
    {.kind = "promote", .carry_out = order_promote, .rank = RANK_UNDO},
    {.kind = "abort", .carry_out = order_abort, .rank = RANK_UNDO},
    {.kind = "stand_down", .carry_out = order_stand_down, .rank = RANK_UNDO, .without = true},
    {.kind = "health", .carry_out = order_health, .yields = true, .ends = true},
    {.kind = "traffic", .carry_out = order_traffic, .ends = true},
    {.kind = "test", .carry_out = order_test, .yields = true, .ends = true},
    {.kind = "verify", .carry_out = order_verify, .yields = true, .ends = true},
    {.kind = "release", .carry_out = order_release, .rank = RANK_UNDO, .without = true},
};

static const struct order_row *row_of(const char *kind)
{
    for (size_t i = 0; i < ARRAY_LEN(orders); i++) {
        if (text_equal(orders[i].kind, kind))
            return &orders[i];
    }
    return NULL;
}

/* -- reading ---------------------------------------------------------------- */

static bool id_is_safe(const char *id)
{
    size_t len = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

    return len > 0 && len <= ORDER_ID_MAX && id[len] == '\0' && id[0] != '.';
}

static int take_text(const struct js *doc, const char *key, char *out, size_t size, struct err *err)
{
    const char *v = NULL;
    int r = js_get_str(doc, key, &v, err);

    if (r == 0 && text_copy(out, size, v) < 0)
        r = err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "'%s' is too long", key);
    return r;
}

static int take_deadline(const struct js *doc, uint64_t *ret, struct err *err)
{
    const char *text = js_str(doc, "deadline", NULL);

    *ret = 0;
    return text ? text_parse_time(text, ret, err) : 0;
}

int order_parse(const struct js *doc, struct order **ret, struct err *err)
{
    auto_order struct order *o = calloc(1, sizeof(*o));
    int r;

    if (!o)
        return err_set(err, -ENOMEM, "order: %m");
    o->doc = js_ref(doc);
    o->args = js_member(doc, "args");
    r = take_text(doc, "id", o->id, sizeof(o->id), err);
    if (r == 0 && !id_is_safe(o->id))
        r = err_set_gw(err, GW_BAD_DOCUMENT, -EINVAL, "the id of an order is malformed");
    if (r == 0)
        r = js_get_u64(doc, "n", &o->number, err);
    if (r == 0)
        r = take_text(doc, "kind", o->kind, sizeof(o->kind), err);
    if (r == 0)
        r = take_text(doc, "workload", o->workload, sizeof(o->workload), err);
    if (r == 0)
        r = js_get_u64(doc, "epoch", &o->epoch, err);
    if (r == 0)
        r = take_deadline(doc, &o->deadline_wall_ms, err);
    if (r < 0)
        return err_add(err, r == -ENOENT ? -EINVAL : r, "order");
    *ret = TAKE(o);
    return 0;
}

void order_arrived(struct order *o, uint64_t planner_wall_ms, uint64_t mono_ms)
{
    const uint64_t left = o->deadline_wall_ms - num_min(o->deadline_wall_ms, planner_wall_ms);

    o->deadline_mono_ms = o->deadline_wall_ms ? mono_ms + num_max(left, 1) : 0;
}

void order_free(struct order *o)
{
    if (!o)
        return;
    js_free(o->doc);
    free(o);
}

bool order_yields(const struct order *running, const struct order *arrived)
{
    const struct order_row *now = row_of(running->kind);
    const struct order_row *next = row_of(arrived->kind);

    return now && next && now->yields && next->rank > now->rank;
}

/* -- answers ---------------------------------------------------------------- */

/* why NULL: it was done. */
static int answer_text(const struct js *result, const struct err *why, struct buf *out,
                       struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    struct complaint c;
    int r = jsw_new(&w, err);

    if (r < 0)
        return r;
    if (why)
        complaint_of(why, &c);
    jsw_obj(w, NULL);
    jsw_str(w, "state", why ? "failed" : "done");
    if (result)
        jsw_js(w, "result", result);
    else
        jsw_null(w, "result");
    complaint_member(why ? &c : NULL, w);
    jsw_str(w, "note", NULL);
    jsw_end(w);
    return jsw_finish(w, false, out, err);
}

void order_refuse(struct agent *a, const struct order *o, const struct err *why)
{
    auto_buf struct buf text = {0};

    if (answer_text(NULL, why, &text, NULL) == 0)
        answers_put(a->answers, o->id, buf_slice(&text));
}

static int answer_path(const struct workload *w, const struct order *o, char out[static PATH_MAX],
                       struct err *err)
{
    char file[ORDER_ID_MAX + 16];

    text_print(file, sizeof(file), "orders/%s.json", o->id);
    return workload_path(w, file, out, err);
}

/* A repeated order gets the same answer. */
static bool repeat_answer(struct workload *w, const struct order *o)
{
    auto_buf struct buf text = {0};
    char path[PATH_MAX];

    if (answer_path(w, o, path, NULL) < 0 || fd_load(path, ANSWER_MAX, &text, NULL) < 0)
        return false;
    answers_put(w->agent->answers, o->id, buf_slice(&text));
    return true;
}

static int save_answer(struct workload *w, const struct order *o, struct slice text,
                       struct err *err)
{
    char path[PATH_MAX];
    int r = answer_path(w, o, path, err);

    if (r == 0)
        r = fd_save(path, text, 0600, err);
    if (r == 0)
        r = failpoint("agent_order_answer_saved");
    return r;
}

void order_forget_old(const struct workload *w, uint64_t wall_ms)
{
    char dir[PATH_MAX];
    DIR *d = workload_path(w, "orders", dir, NULL) == 0 ? opendir(dir) : NULL;

    for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
        struct stat st;

        if (!text_ends(e->d_name, ".json") ||
            fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if ((uint64_t)st.st_mtim.tv_sec + KEEP_S < wall_ms / 1000)
            unlinkat(dirfd(d), e->d_name, 0); /* tried again at the next start */
    }
    if (d)
        closedir(d);
}

/* -- carrying out ------------------------------------------------------------ */

static bool deadline_over(const struct workload *w, const struct order *o,
                          const struct order_row *row)
{
    return row->ends && o->deadline_mono_ms != 0 &&
           clock_mono_ms(w->agent->clock) > o->deadline_mono_ms;
}

static int carry_out_once(struct workload *w, struct order *o, const struct order_row *row,
                          struct js **ret_result, struct err *err)
{
    auto_jsw struct jsw *result = NULL;
    struct order_call call = {.w = w, .order = o, .a = w->assignment};
    int r = jsw_new(&result, err);

    if (r < 0)
        return r;
    if (!row->without && !w->assignment)
        return err_set_gw(err, GW_BAD_DOCUMENT, -ENOENT, "'%s' is not assigned to this host",
                          o->workload);
    jsw_obj(result, NULL);
    call.result = result;
    r = row->carry_out(&call, err);
    if (r < 0 && !call.keep_result)
        return r;
    jsw_end(result);
    if (jsw_take(result, ret_result, r == 0 ? err : NULL) < 0 && r == 0)
        return -ENOMEM;
    return r;
}

/* Until the time is over, or something interrupts. */
static void pause_order(struct workload *w, uint64_t ms)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    pthread_mutex_lock(&w->lock);
    while (!w->leaving && !workload_interrupted(w)) {
        if (pthread_cond_timedwait(&w->wake, &w->lock, &until) != 0)
            break;
    }
    pthread_mutex_unlock(&w->lock);
}

static int carry_out_until(struct workload *w, struct order *o, const struct order_row *row,
                           struct js **ret_result, struct err *err)
{
    for (unsigned attempt = 1;; attempt++) {
        int r;

        err_clear(err);
        js_free(TAKE(*ret_result));
        r = carry_out_once(w, o, row, ret_result, err);
        if (r == 0 || !err->retryable || workload_interrupted(w))
            return r;
        if (deadline_over(w, o, row))
            return r;
        log_err(LOG_LEVEL_WARNING, err, o->kind);
        pause_order(w, http_backoff_ms(w->agent->rng, attempt, RETRY_BASE_MS, RETRY_MAX_MS));
    }
}

static bool leaving(struct workload *w)
{
    bool l;

    pthread_mutex_lock(&w->lock);
    l = w->leaving;
    pthread_mutex_unlock(&w->lock);
    return l;
}

/* What stopped it is a better reason than "canceled". */
static void explain_interrupt(struct workload *w, const struct order *o,
                              const struct order_row *row, struct err *err)
{
    if (err->code != -ECANCELED)
        return;
    if (deadline_over(w, o, row))
        err_set(err, -ETIMEDOUT, "%s did not end before its deadline", o->kind);
    else
        err_set(err, -ECANCELED, "%s was overtaken by another order", o->kind);
}

static void finish(struct workload *w, const struct order *o, const struct js *result,
                   const struct err *why)
{
    auto_buf struct buf text = {0};
    struct err err = {0};
    int r = answer_text(result, why, &text, &err);

    if (r == 0)
        r = save_answer(w, o, buf_slice(&text), &err);
    /* An answer that could not be kept is not given: the order is still open, and comes again when
     * the work thread asks for all. */
    if (r < 0)
        log_err(LOG_LEVEL_ERROR, &err, "keep the answer of an order");
    else
        answers_put(w->agent->answers, o->id, buf_slice(&text));
}

static void say_running(struct workload *w, const struct order *o)
{
    static const char text[] =
        "{\"state\":\"running\",\"result\":null,\"error\":null,\"note\":null}";

    answers_put(w->agent->answers, o->id, slice_str(text));
}

void order_carry_out(struct workload *w, struct order *o)
{
    const struct order_row *row = row_of(o->kind);
    auto_js struct js *result = NULL;
    struct err why = {0};
    int r;

    if (repeat_answer(w, o))
        return;
    if (w->damage.code != 0) {
        finish(w, o, NULL, &w->damage);
        return;
    }
    if (!row) {
        err_set_gw(&why, GW_BAD_DOCUMENT, -EINVAL, "this agent knows no order '%.20s'", o->kind);
        finish(w, o, NULL, &why);
        return;
    }
    say_running(w, o);
    log_info("%s: %s of epoch %llu", w->name, o->kind, (unsigned long long)o->epoch);
    atomic_store(&w->deadline_mono_ms, row->ends ? o->deadline_mono_ms : 0);
    r = carry_out_until(w, o, row, &result, &why);
    if (r < 0 && leaving(w)) {
        atomic_store(&w->deadline_mono_ms, 0);
        return; /* it stays open, and is taken up again after the restart */
    }
    explain_interrupt(w, o, row, &why);
    atomic_store(&w->deadline_mono_ms, 0);
    if (r < 0)
        log_err(LOG_LEVEL_ERROR, &why, o->kind);
    finish(w, o, result, r < 0 ? &why : NULL);
}
