/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's life. The main thread only waits for signals and looks at deadlines. */
#include "agent/run.h"

#include "agent/answer.h"
#include "agent/helper.h"
#include "agent/report.h"
#include "agent/vaultref.h"
#include "agent/work.h"
#include "agent/workload.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/pool.h"
#include "base/text.h"
#include "transport/rate.h"
#include "transport/track.h"

#include <signal.h>
#include <time.h>

#include "base/banned.h"

enum { TICK_MS = 250, ONCE_FLUSH_MS = 30 * 1000 };

struct daemon_parts {
    struct agent agent;
    struct work *work;
    struct report *report;
    int lock_fd;
};

static int take_lock(const char *state_dir, int *ret_fd, struct err *err)
{
    char path[PATH_MAX];
    int r = text_print(path, sizeof(path), "%s/lock", state_dir);

    if (r == 0)
        r = fd_lock(path, ret_fd, err);
    return r < 0 ? err_add(err, r, "state directory '%s'", state_dir) : 0;
}

/* Said once, with what to do, and no reason to end: what may run here is guarded without a planner.
 */
static void check_identity(const struct agent *a)
{
    struct err err = {0};

    if (enrol_check(a->identity, &err) < 0)
        log_err(LOG_LEVEL_ERROR, &err,
                "no planner can be reached until this host is enrolled again "
                "(godwit-agent enrol --again)");
}

static int parts_init(struct daemon_parts *d, const struct run_conf *conf, struct err *err)
{
    struct agent *a = &d->agent;
    int r;

    *d = (struct daemon_parts){.lock_fd = -1};
    a->clock = &clock_system;
    a->rng = &rng_system;
    a->state_dir = conf->state_dir;
    a->self_abort_ms = conf->self_abort_ms ? conf->self_abort_ms : AGENT_SELF_ABORT_DEFAULT_MS;
    agent_contact(a);
    agent_name_instance(a);
    r = enrol_load(conf->state_dir, conf->server, &a->identity, err);
    if (r < 0)
        return r;
    check_identity(a);
    r = take_lock(conf->state_dir, &d->lock_fd, err);
    if (r == 0)
        r = vaultref_new(conf->state_dir, &a->vault, err);
    if (r == 0)
        r = rate_new(0, a->clock, &a->rate, err);
    if (r == 0 && conf->limit)
        rate_set_table(a->rate, conf->limit);
    if (r == 0)
        r = answers_new(a, &a->answers, err);
    if (r == 0)
        r = fleet_new(a, &a->fleet, err);
    if (r == 0)
        r = work_new(a, &d->work, err);
    if (r == 0)
        r = report_new(a, &d->report, err);
    return r;
}

/* Who uses something ends before it: the threads that talk, the workloads, then the answers. */
static void parts_done(struct daemon_parts *d)
{
    atomic_store(&d->agent.stop, true);
    if (d->agent.fleet)
        fleet_stop(d->agent.fleet);
    work_free(d->work);
    report_free(d->report);
    fleet_free(d->agent.fleet);
    answers_free(d->agent.answers);
    vaultref_free(d->agent.vault);
    rate_free(d->agent.rate);
    enrol_free(d->agent.identity);
    if (d->lock_fd >= 0)
        close(d->lock_fd);
}

static void tick_one(void *arg, struct workload *w)
{
    (void)arg;
    workload_tick(w);
}

static void wait_for_signal(struct daemon_parts *d, const sigset_t *set)
{
    const struct timespec tick = {.tv_nsec = TICK_MS * 1000000L};

    for (;;) {
        int sig = sigtimedwait(set, NULL, &tick);

        if (sig == SIGTERM || sig == SIGINT) {
            log_info("signal %d: ending", sig);
            return;
        }
        fleet_each(d->agent.fleet, tick_one, NULL);
    }
}

/* Blocked before any thread starts, so that only the main thread takes them. */
static void block_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    sigprocmask(SIG_BLOCK, set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

int run_daemon(const struct run_conf *conf, struct err *err)
{
    struct daemon_parts d;
    sigset_t set;
    int r;

    pool_bound_arenas();
    block_signals(&set);
    r = parts_init(&d, conf, err);
    if (r == 0)
        r = fleet_start(d.agent.fleet, err);
    if (r == 0)
        r = work_start(d.work, err);
    if (r == 0)
        r = report_start(d.report, err);
    if (r == 0) {
        track_sweep(); /* of replicas that were given up while no agent ran */
        helper_sweep_snapshots();
        log_info("agent %s (%s) of %s", d.agent.identity->identity, d.agent.identity->name,
                 d.agent.identity->server);
        wait_for_signal(&d, &set);
    }
    parts_done(&d);
    return r;
}

static void step_one(void *arg, struct workload *w)
{
    (void)arg;
    while (workload_step(w) == 0)
        ;
}

int run_once(const struct run_conf *conf, struct err *err)
{
    struct daemon_parts d;
    sigset_t set;
    int r;

    block_signals(&set);
    r = parts_init(&d, conf, err);
    if (r == 0)
        r = work_poll(d.work, 0, err);
    if (r == 0) {
        fleet_each(d.agent.fleet, step_one, NULL);
        r = report_once(d.report, err);
    }
    if (r == 0)
        r = answers_flush(d.agent.answers, ONCE_FLUSH_MS, err);
    parts_done(&d);
    return r;
}
