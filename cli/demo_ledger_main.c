/* SPDX-License-Identifier: Apache-2.0 */
/*
 * godwit-demo-ledger: a small service as a workload has it, with hooks that start and stop it.
 *
 *   start  asks the boot guard, then leaves a writer behind
 *   stop   ends it and waits until it is gone
 *   probe  the health check: the live ledger grows, or a scratch copy holds records
 *   check  holds the acknowledgements against a copy of the ledger
 */
#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/gw.h"
#include "base/jsw.h"
#include "base/log.h"
#include "base/num.h"
#include "base/opt.h"
#include "base/proc.h"
#include "base/text.h"
#include "cli/demo_ledger.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/banned.h"

/* A writer begins with a burst, so that a demonstration need not wait, and goes on gently, because
 * it may be left running for days. */
enum {
    STOP_TIMEOUT_MS = 20000,
    GROW_TIMEOUT_MS = 6000,
    LEDGER_PATH_MAX = 1024,
    POLL_MS = 20,
    BURST_RECORDS = 3000,
    GENTLE_MS = 1000,
    ACKS_PAUSE_MS = 50,
};

static atomic_bool stopped;

static void on_signal(int sig)
{
    (void)sig;
    atomic_store(&stopped, true);
}

static const struct opt options[] = {
    {"volume", 0, OPT_TEXT, "FILE", NULL, 0, 0, NULL, "the image (start)"},
    {"map", 0, OPT_TEXT, "FILE", NULL, 0, 0, NULL, "blocks of the ledger in it (start)"},
    {"acks", 0, OPT_TEXT, "FILE", NULL, 0, 0, NULL, "list of acknowledged records"},
    {"copy", 0, OPT_TEXT, "FILE", NULL, 0, 0, NULL, "extracted ledger (check)"},
    {"run-dir", 0, OPT_TEXT, "DIR", NULL, 0, 0, NULL, "where the writer's lock and pid are"},
    {"side", 0, OPT_CHOICE, "SIDE", "source|target", 0, 0, "source", "kept in each record"},
    {"guard", 0, OPT_TEXT, "PROGRAM", NULL, 0, 0, NULL,
     "PROGRAM guard WORKLOAD --state-dir DIR must exit 0 before a writer starts"},
    {"guard-state", 0, OPT_TEXT, "DIR", NULL, 0, 0, NULL, "the guard's state directory"},
    {"workload", 0, OPT_TEXT, "NAME", NULL, 0, 0, "demo", "whom the guard is asked about"},
    {"source", 0, OPT_TEXT, "FILE", NULL, 0, 0, NULL, "the live volume of a side (probe)"},
    {"target", 0, OPT_TEXT, "FILE", NULL, 0, 0, NULL, "that of the other (probe)"},
    {"every", 0, OPT_DURATION, "TIME", NULL, 0, 0, "20ms", "pause between records"},
};

struct ledger_run {
    const struct opt_set *opts;
    char lock[LEDGER_PATH_MAX], pid[LEDGER_PATH_MAX], log[LEDGER_PATH_MAX];
};

static int need(const struct opt_set *opts, const char *name, const char **ret, struct err *err)
{
    *ret = opt_text(opts, name);
    return *ret ? 0 : err_set_gw(err, GW_USAGE, -EINVAL, "--%s is needed", name);
}

static int fill_paths(struct ledger_run *run, struct err *err)
{
    const char *dir;
    int r = need(run->opts, "run-dir", &dir, err);

    if (r == 0)
        r = fd_mkdirs(dir, 0700, err);
    if (r == 0)
        r = text_print(run->lock, sizeof(run->lock), "%s/ledger.lock", dir);
    if (r == 0)
        r = text_print(run->pid, sizeof(run->pid), "%s/ledger.pid", dir);
    if (r == 0)
        r = text_print(run->log, sizeof(run->log), "%s/ledger.log", dir);
    return r;
}

/* -- the writer ---------------------------------------------------------------- */

/* Both sides share this lock: if it is held, the other side still writes, which must never be. */
static int take_acks(const char *acks, int *ret_fd, struct err *err)
{
    static const char violation[] = "VIOLATION both sides write\n";
    int fd = open(acks, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    if (fd < 0)
        return err_set(err, -errno, "open '%s': %m", acks);
    if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        (void)fd_write_full(fd, violation, sizeof(violation) - 1, NULL);
        close(fd);
        return err_set(err, -EBUSY, "the other side still writes");
    }
    *ret_fd = fd;
    return 0;
}

static int acknowledge(int fd, uint64_t n, const uint8_t *sum, const char *side, struct err *err)
{
    char hex[2 * CRYPTO_SHA256_LEN + 1], line[128];
    int r = text_print(line, sizeof(line), "%llu %s %s\n", (unsigned long long)n,
                       text_hex(sum, CRYPTO_SHA256_LEN, hex), side);

    return r < 0 ? r : fd_write_full(fd, line, strlen(line), err);
}

static void pause_for(uint64_t ms)
{
    while (ms > 0 && !atomic_load(&stopped)) {
        uint64_t piece = num_min(ms, ACKS_PAUSE_MS);

        clock_sleep_ms(&clock_system, piece);
        ms -= piece;
    }
}

static int write_records(const struct ledger_run *run, struct demo_ledger_file *f, int acks,
                         struct err *err)
{
    const char *side = opt_text(run->opts, "side");
    uint8_t sum[CRYPTO_SHA256_LEN];
    uint64_t n, begin;
    int r = demo_ledger_next(f, &n, err);

    begin = n;
    while (r == 0 && !atomic_load(&stopped)) {
        r = demo_ledger_append(f, n, side, sum, err);
        if (r == 0)
            r = acknowledge(acks, n++, sum, side, err);
        if (r == 0)
            pause_for(n - begin < BURST_RECORDS ? opt_u64(run->opts, "every") : GENTLE_MS);
    }
    return r;
}

/* The child that stays. The lock is held for as long as it lives; ready is written once it may
 * write. */
static int writer(const struct ledger_run *run, int ready, struct err *err)
{
    auto_close int lock = -1, acks = -1;
    struct demo_ledger_file f = {.fd = -1};
    const char *volume, *map, *path;
    char pid[32];
    int r = need(run->opts, "volume", &volume, err);

    if (r == 0)
        r = need(run->opts, "map", &map, err);
    if (r == 0)
        r = need(run->opts, "acks", &path, err);
    if (r == 0)
        r = fd_lock(run->lock, &lock, err);
    if (r == 0)
        r = take_acks(path, &acks, err);
    if (r == 0)
        r = demo_ledger_open(volume, map, &f, err);
    if (r == 0)
        r = text_print(pid, sizeof(pid), "%ld\n", (long)getpid());
    if (r == 0)
        r = fd_save(run->pid, slice_str(pid), 0600, err);
    if (r == 0)
        r = fd_write_full(ready, "+", 1, err);
    close(ready);
    if (r == 0)
        r = write_records(run, &f, acks, err);
    demo_ledger_close(&f);
    return r;
}

static void become_service(const char *log)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    setsid();
    signal(SIGTERM, on_signal);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    if (null >= 0)
        dup2(null, STDIN_FILENO);
    if (out >= 0) {
        dup2(out, STDOUT_FILENO);
        dup2(out, STDERR_FILENO);
    }
}

/* -- verbs ----------------------------------------------------------------------- */

static bool is_running(const struct ledger_run *run)
{
    int fd = -1;

    if (fd_lock(run->lock, &fd, NULL) == -EWOULDBLOCK)
        return true;
    if (fd >= 0)
        close(fd);
    return false;
}

static int ask_guard(const struct opt_set *opts, struct err *err)
{
    const char *argv[] = {opt_text(opts, "guard"),       "guard",
                          opt_text(opts, "workload"),    "--state-dir",
                          opt_text(opts, "guard-state"), NULL};
    int status, r;

    if (!argv[0])
        return 0;
    r = proc_run(&(struct proc_run){.argv = argv}, NULL, &status, err);
    if (r < 0)
        return r;
    return status == 0
               ? 0
               : err_set_gw(err, GW_NOT_NOW, -EPERM, "the boot guard forbids it (exit %d)", status);
}

static int wait_ready(int fd, struct err *err)
{
    char c;

    if (read(fd, &c, 1) == 1)
        return 0;
    return err_set(err, -EIO, "the writer ended before it was ready; see ledger.log");
}

static int verb_start(struct ledger_run *run, struct err *err)
{
    struct err why = {0};
    int ready[2], r;
    pid_t pid;

    if (is_running(run))
        return 0;
    r = ask_guard(run->opts, err);
    if (r < 0)
        return r;
    if (pipe2(ready, O_CLOEXEC) < 0)
        return err_set(err, -errno, "pipe: %m");
    pid = fork();
    if (pid < 0)
        return err_set(err, -errno, "fork: %m");
    if (pid == 0) {
        close(ready[0]);
        become_service(run->log);
        r = writer(run, ready[1], &why);
        if (r < 0)
            log_err(LOG_LEVEL_ERROR, &why, "ledger");
        _exit(r < 0 ? GW_EXIT_FAILED : GW_EXIT_OK);
    }
    close(ready[1]);
    r = wait_ready(ready[0], err);
    close(ready[0]);
    return r;
}

static int read_pid(const struct ledger_run *run, uint64_t *ret, struct err *err)
{
    auto_buf struct buf text = {0};
    int r = fd_load(run->pid, 64, &text, err);

    if (r < 0)
        return r;
    if (text.len > 0 && text.data[text.len - 1] == '\n')
        text.len--;
    return num_parse_u64(buf_cstr(&text), 2, INT32_MAX, ret, err);
}

/* The lock, not the pid, says whether it lives: a pid may be somebody else's by now. */
static int verb_stop(struct ledger_run *run, struct err *err)
{
    uint64_t pid, until = clock_mono_ms(&clock_system) + STOP_TIMEOUT_MS;

    while (is_running(run)) {
        if (clock_mono_ms(&clock_system) > until)
            return err_set(err, -ETIMEDOUT, "the writer does not end");
        if (read_pid(run, &pid, NULL) == 0)
            kill((pid_t)pid, SIGTERM);
        clock_sleep_ms(&clock_system, POLL_MS);
    }
    return 0;
}

/* The volume that the agent names: that of this side, or a scratch copy of the newest point. */
static int verb_probe(struct ledger_run *run, struct err *err)
{
    struct demo_ledger_file f = {.fd = -1};
    const char *volume = getenv("GODWIT_VOLUME_DATA"), *map;
    uint64_t first = 0, now, until = clock_mono_ms(&clock_system) + GROW_TIMEOUT_MS;
    bool live;
    int r = need(run->opts, "map", &map, err);

    if (r == 0 && !volume)
        r = err_set_gw(err, GW_USAGE, -EINVAL, "GODWIT_VOLUME_DATA is not set");
    if (r == 0)
        r = demo_ledger_open(volume, map, &f, err);
    if (r == 0)
        r = demo_ledger_next(&f, &first, err);
    live = text_equal(volume, opt_text(run->opts, "source")) ||
           text_equal(volume, opt_text(run->opts, "target"));
    now = first;
    while (r == 0 && live && now == first && clock_mono_ms(&clock_system) < until) {
        clock_sleep_ms(&clock_system, POLL_MS);
        r = demo_ledger_next(&f, &now, err);
    }
    demo_ledger_close(&f);
    if (r == 0 && first == 0)
        return err_set(err, -ENODATA, "the ledger is empty");
    if (r == 0 && live && now == first)
        return err_set(err, -ETIMEDOUT, "the ledger does not grow above %llu",
                       (unsigned long long)now);
    if (r == 0)
        printf("%llu records%s\n", (unsigned long long)now, live ? " and growing" : "");
    return r;
}

static int print_verdict(const struct demo_ledger_verdict *v, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    auto_buf struct buf text = {0};
    int r = jsw_new(&w, err);

    if (r < 0)
        return r;
    jsw_document(w, "godwit.ledger-check/1", clock_wall_ms(&clock_system));
    jsw_u64(w, "acknowledged", v->acknowledged);
    jsw_u64(w, "found", v->found);
    jsw_u64(w, "overwritten", v->overwritten);
    jsw_u64(w, "lost", v->lost);
    jsw_u64(w, "by_source", v->by_source);
    jsw_u64(w, "by_target", v->by_target);
    jsw_u64(w, "violations", v->violations);
    jsw_end(w);
    r = jsw_finish(w, false, &text, err);
    if (r == 0)
        puts(buf_cstr(&text));
    return r;
}

static int verb_check(struct ledger_run *run, struct err *err)
{
    struct demo_ledger_verdict v;
    const char *copy, *acks;
    int r = need(run->opts, "copy", &copy, err);

    if (r == 0)
        r = need(run->opts, "acks", &acks, err);
    if (r == 0)
        r = demo_ledger_check(copy, acks, &v, err);
    if (r == 0)
        r = print_verdict(&v, err);
    if (r < 0)
        return r;
    if (v.lost > 0)
        return err_set_gw(err, GW_DATA_DIFFERS, -EBADMSG,
                          "%llu acknowledged records are lost, the first is %llu",
                          (unsigned long long)v.lost, (unsigned long long)v.first_lost);
    if (v.violations > 0)
        return err_set_gw(err, GW_DATA_DIFFERS, -EBADMSG, "both sides wrote at one time");
    return 0;
}

static const struct {
    const char *name;
    int (*run)(struct ledger_run *run, struct err *err);
    bool needs_paths;
} verbs[] = {
    {"start", verb_start, true},
    {"stop", verb_stop, true},
    {"probe", verb_probe, false},
    {"check", verb_check, false},
};

static int dispatch(const char *name, struct ledger_run *run, struct err *err)
{
    for (size_t i = 0; name && i < ARRAY_LEN(verbs); i++) {
        int r = 0;

        if (!text_equal(verbs[i].name, name))
            continue;
        if (verbs[i].needs_paths)
            r = fill_paths(run, err);
        return r < 0 ? r : verbs[i].run(run, err);
    }
    return err_set_gw(err, GW_USAGE, -EINVAL, "one of start, stop, probe, check");
}

int main(int argc, char **argv)
{
    struct opt_set *opts = NULL;
    struct ledger_run run = {0};
    struct err err = {0};
    int r;

    umask(077);
    log_init("godwit-demo-ledger", LOG_LEVEL_INFO, false);
    r = opt_parse(options, ARRAY_LEN(options), argc, argv, &opts, &err);
    if (r == 0) {
        run.opts = opts;
        r = dispatch(opt_arg(opts, 0), &run, &err);
    }
    if (r < 0)
        log_err(LOG_LEVEL_ERROR, &err, "ledger");
    opt_free(opts);
    return r < 0 ? (int)gw_of(&err)->exit : GW_EXIT_OK;
}
