/* SPDX-License-Identifier: Apache-2.0 */
/* The report thread: a look each second at what changed, a sample each ten, a report when due. */
#include "agent/report.h"

#include "agent/client.h"
#include "agent/workload.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/err.h"
#include "base/js.h"
#include "base/jsw.h"
#include "base/log.h"
#include "base/num.h"
#include "base/text.h"
#include "base/worker.h"
#include "inventory/inventory.h"
#include "inventory/probe.h"
#include "inventory/sample.h"
#include "inventory/utilisation.h"

#include "base/banned.h"

enum {
    LOOK_MS = 1000,
    NAP_MS = 100,
    CHANGE_MS = 2000, /* changes are told at most so often */
    MINUTE_MS = 60 * 1000,
    INTERVAL_MAX_MS = 10 * 60 * 1000,
    RETRY_MS = 5000,
    INVENTORY_MS = 3600 * 1000,
    INVENTORY_LOOK_MS = 5 * 60 * 1000, /* for changes, between the hourly ones */
    TIMEOUT_MS = 30 * 1000,
};

struct report {
    struct agent *agent;
    struct client *client;
    struct workers *thread;
    struct probe *probe;
    struct sample_set *set;
    struct sample samples[UTILISATION_SAMPLES_MAX];
    size_t samples_n;
    uint64_t sample_due, report_due, change_due, inventory_due; /* monotonic */
    uint64_t inventory_sent_ms;                                 /* monotonic; 0 = never */
    uint8_t inventory_hash[CRYPTO_SHA256_LEN];
    uint64_t interval_ms; /* between whole reports, as the planner wants it */
    uint64_t versions;    /* sum over the workloads at the last report */
    uint64_t progress;
};

int report_new(struct agent *a, struct report **ret, struct err *err)
{
    struct report *r = calloc(1, sizeof(*r));
    int rc;

    if (!r)
        return err_set(err, -ENOMEM, "reports: %m");
    r->agent = a;
    r->interval_ms = MINUTE_MS;
    rc = client_new(a->identity, &a->stop, &r->client, err);
    if (rc == 0)
        rc = probe_local_new(&r->probe, err);
    if (rc == 0)
        rc = sample_new(&r->set, err);
    if (rc < 0) {
        report_free(r);
        return rc;
    }
    *ret = r;
    return 0;
}

void report_free(struct report *r)
{
    if (!r)
        return;
    if (r->thread)
        workers_join(r->thread, NULL);
    client_free(r->client);
    sample_free(r->set);
    probe_free(r->probe);
    free(r);
}

/* -- inventory ------------------------------------------------------------------ */

int report_inventory(const struct clock *clock, struct buf *out, struct err *err)
{
    auto_probe struct probe *p = NULL;
    int r = probe_local_new(&p, err);

    return r == 0 ? inventory_collect(p, clock, out, err) : r;
}

static int hash_member(void *arg, const char *key, const struct js *value)
{
    struct crypto_hash *h = arg;
    auto_buf struct buf text = {0};
    /* What changes by itself all the time is no change of the host. */
    static const char *const restless[] = {"generated_at", "took_ms", "memory",  "mounts",
                                           "processes",    "sockets", "problems"};

    for (size_t i = 0; i < ARRAY_LEN(restless); i++) {
        if (text_equal(key, restless[i]))
            return 0;
    }
    crypto_hash_add(h, slice_str(key));
    if (js_print(value, true, false, &text, NULL) == 0)
        crypto_hash_add(h, buf_slice(&text));
    return 0;
}

static int hash_inventory(const struct js *doc, uint8_t *out, struct err *err)
{
    struct crypto_hash *h = NULL;
    int r = crypto_hash_new(&h, err);

    if (r < 0)
        return r;
    js_each(doc, hash_member, h);
    crypto_hash_get(h, out);
    crypto_hash_free(h);
    return 0;
}

/* The document when it is due: first, hourly, or changed; NULL otherwise. */
static int take_inventory(struct report *r, uint64_t now, struct js **ret, struct err *err)
{
    auto_buf struct buf text = {0};
    auto_js struct js *doc = NULL;
    uint8_t hash[CRYPTO_SHA256_LEN] = {0};
    int rc;

    if (now < r->inventory_due)
        return 0;
    r->inventory_due = now + INVENTORY_LOOK_MS;
    rc = report_inventory(r->agent->clock, &text, err);
    if (rc == 0)
        rc = js_parse(buf_slice(&text), INVENTORY_MAX_BYTES, &doc, err);
    if (rc == 0)
        rc = hash_inventory(doc, hash, err);
    if (rc != 0)
        return rc;
    if (r->inventory_sent_ms != 0 && now - r->inventory_sent_ms < INVENTORY_MS &&
        crypto_equal(hash, r->inventory_hash, sizeof(hash)))
        return 0;
    memcpy(r->inventory_hash, hash, sizeof(hash));
    *ret = TAKE(doc);
    return 0;
}

/* -- utilisation ------------------------------------------------------------------ */

static void take_sample(struct report *r, uint64_t now)
{
    struct err err = {0};

    if (now < r->sample_due)
        return;
    r->sample_due = now + SAMPLE_INTERVAL_MS;
    if (r->samples_n == UTILISATION_SAMPLES_MAX) {
        memmove(r->samples, r->samples + 1, (r->samples_n - 1) * sizeof(r->samples[0]));
        r->samples_n--;
    }
    if (sample_take(r->set, r->probe, r->agent->clock, &r->samples[r->samples_n], &err) == 0)
        r->samples_n++;
    else
        log_err(LOG_LEVEL_DEBUG, &err, "sample");
}

static int take_utilisation(struct report *r, struct js **ret, struct err *err)
{
    auto_buf struct buf text = {0};
    int rc;

    if (r->samples_n == 0)
        return 0;
    rc = utilisation_write(r->samples, r->samples_n, clock_wall_ms(r->agent->clock), &text, err);
    return rc == 0 ? js_parse(buf_slice(&text), UTILISATION_MAX_BYTES, ret, err) : rc;
}

/* -- the report ----------------------------------------------------------------------- */

static void write_workload(void *arg, struct workload *w)
{
    repl_write(w, arg);
}

static int write_report(struct report *r, const struct js *inventory, const struct js *utilisation,
                        struct buf *out, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    int rc = jsw_new(&w, err);

    if (rc < 0)
        return rc;
    jsw_obj(w, NULL);
    jsw_str(w, "version", PACKAGE_VERSION);
    if (inventory)
        jsw_js(w, "inventory", inventory);
    else
        jsw_null(w, "inventory");
    if (utilisation)
        jsw_js(w, "utilisation", utilisation);
    else
        jsw_null(w, "utilisation");
    jsw_arr(w, "replication");
    fleet_each(r->agent->fleet, write_workload, w);
    jsw_end(w);
    jsw_end(w);
    return jsw_finish(w, false, out, err);
}

static int post_report(struct report *r, bool whole, uint64_t now, struct err *err)
{
    auto_js struct js *inventory = NULL;
    auto_js struct js *utilisation = NULL;
    auto_js struct js *answer = NULL;
    auto_buf struct buf body = {0};
    int rc = 0;

    if (whole)
        rc = take_inventory(r, now, &inventory, err);
    if (rc == 0 && whole)
        rc = take_utilisation(r, &utilisation, err);
    if (rc == 0)
        rc = write_report(r, inventory, utilisation, &body, err);
    if (rc == 0)
        rc = client_do(r->client,
                       &(struct client_call){.method = "POST",
                                             .path = "/v1/agent/report",
                                             .body = buf_slice(&body),
                                             .timeout_ms = TIMEOUT_MS},
                       &answer, err);
    if (rc < 0) {
        if (inventory)
            r->inventory_due = 0; /* it did not arrive */
        return err_add(err, rc, "report");
    }
    agent_contact(r->agent);
    r->interval_ms = num_min(num_max(js_u64(answer, "report_s", 60), 1) * 1000, INTERVAL_MAX_MS);
    if (inventory)
        r->inventory_sent_ms = now;
    if (utilisation)
        r->samples_n = 0;
    return 0;
}

int report_once(struct report *r, struct err *err)
{
    uint64_t now = clock_mono_ms(r->agent->clock);

    r->sample_due = 0;
    take_sample(r, now);
    return post_report(r, true, now, err);
}

/* -- the thread ------------------------------------------------------------------------ */

struct look {
    uint64_t versions, progress;
};

static void look_at(void *arg, struct workload *w)
{
    struct look *l = arg;

    pthread_mutex_lock(&w->lock);
    l->versions += w->status_version;
    for (size_t i = 0; i < w->status_n; i++)
        l->progress += atomic_load(&w->status[i].progress.done_bytes);
    pthread_mutex_unlock(&w->lock);
}

static bool is_due(struct report *r, uint64_t now, bool *ret_whole)
{
    struct look look = {0};

    fleet_each(r->agent->fleet, look_at, &look);
    *ret_whole = now >= r->report_due;
    if (*ret_whole ||
        (now >= r->change_due && (look.versions != r->versions || look.progress != r->progress))) {
        r->versions = look.versions;
        r->progress = look.progress;
        return true;
    }
    return false;
}

static void look_and_report(struct report *r)
{
    uint64_t now = clock_mono_ms(r->agent->clock);
    bool whole = false;
    struct err err = {0};

    take_sample(r, now);
    if (!is_due(r, now, &whole))
        return;
    r->change_due = now + CHANGE_MS;
    if (post_report(r, whole, now, &err) == 0) {
        if (whole)
            r->report_due = now + r->interval_ms - rng_below(r->agent->rng, r->interval_ms / 10);
        return;
    }
    log_err(LOG_LEVEL_DEBUG, &err, "report");
    r->change_due = now + RETRY_MS;
    if (whole)
        r->report_due = now + RETRY_MS;
}

static int run(void *arg, size_t index, struct err *err)
{
    struct report *r = arg;

    (void)index;
    (void)err;
    while (!atomic_load(&r->agent->stop)) {
        look_and_report(r);
        for (uint64_t slept = 0; slept < LOOK_MS && !atomic_load(&r->agent->stop); slept += NAP_MS)
            clock_sleep_ms(r->agent->clock, NAP_MS);
    }
    return 0;
}

int report_start(struct report *r, struct err *err)
{
    return workers_start(1, "report", run, r, &r->thread, err);
}
