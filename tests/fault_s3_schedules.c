/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seeded schedules of faults between godwit and an S3 service: seed, delta, pull and verification
 * through a proxy that refuses, stalls, cuts, alters and forgets. Each step ends well or with a
 * named error that the faults explain; once they stop, the same commands end with equal volumes.
 * Then an object rots, and is named by verification and pull, or was not needed.
 *
 *   fault_s3_schedules [SEED…]     GODWIT_SCHEDULES=N: seeds 1 to N (20), then those of old
 * findings
 *
 * GODWIT_TEST_S3_PORT: a real service on loopback, over plain HTTP, in place of our own; with
 * GODWIT_TEST_S3_URL (s3://bucket/prefix) and the AWS_* environment that reaches it. What needs a
 * log of its requests (the object that rots) is left out then.
 *
 * Each schedule is a process of its own with a deadline. A failing one prints its seed, what was
 * seen and what the proxy did.
 */
#include "tests/replica_place.h"
#include "tests/s3_story.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/gw.h"
#include "base/num.h"

#include <signal.h>
#include <sys/wait.h>

#include "base/banned.h"

enum { KIB = 1 << 10, MIB = 1 << 20, TRIES = 2, DEADLINE_S = 120, LINE_MAX_LEN = 2048 };
enum { SCHEDULES_DEFAULT = 20, AT_ONCE = 6, STALL_MS = 500 };

struct schedule {
    uint64_t seed;
    uint64_t rand; /* of everything but the faults */
    struct place place;
    struct s3_story_helper service;
    struct s3_story_helper proxy;
    char requests[PATH_MAX]; /* what the service saw */
    char faults[PATH_MAX];   /* what the proxy did */
    char url[256];
    uint64_t size;
    bool encrypted;
    bool equal;  /* the head is the source as it is now */
    bool pushed; /* there is a head */
    struct err err;
};

/* The port of a service of others, or NULL. */
static const char *their_port(void)
{
    return getenv("GODWIT_TEST_S3_PORT");
}

static uint64_t below(struct schedule *s, uint64_t n)
{
    return place_rand(&s->rand) % n;
}

/* -- the vault, through the proxy or not --------------------------------- */

static _Atomic uint64_t skipped_ms; /* that nobody slept */

static uint64_t wall_ms(void *arg)
{
    (void)arg;
    return clock_wall_ms(&clock_system);
}

static uint64_t mono_ms(void *arg)
{
    (void)arg;
    return clock_mono_ms(&clock_system) + skipped_ms;
}

/* Backoff is what it is, but for its length; pauses that end at a time do so as well. */
static void sleep_ms(void *arg, uint64_t ms)
{
    uint64_t slept_ms = num_min(ms, 1);

    (void)arg;
    clock_sleep_ms(&clock_system, slept_ms);
    skipped_ms += ms - slept_ms;
}

static int open_vault(struct schedule *s, unsigned port, struct err *err)
{
    static const struct clock hasty = {
        .wall_ms = wall_ms, .mono_ms = mono_ms, .sleep_ms = sleep_ms};
    char endpoint[64];
    struct vault_conf conf = {
        .store = {.url = s->url,
                  .endpoint = endpoint,
                  .region = their_port() ? NULL : "home-1",
                  .path_style = 1,
                  .clock = &hasty,
                  .attempts = 2 + (unsigned)(s->seed % 7),
                  .stall_ms = STALL_MS},
        .key = s->encrypted ? place_key : NULL,
        .create = true,
    };

    assert_ok(text_print(endpoint, sizeof(endpoint), "http://127.0.0.1:%u", port));
    return vault_open(&conf, &s->place.vault, err);
}

/* -- what a schedule does -------------------------------------------------- */

static struct place_run source(void)
{
    return (struct place_run){.image = "a", .state = "sa", .workers = 8};
}

static struct place_run landing(void)
{
    return (struct place_run){.image = "b", .state = "sb"};
}

static int do_push(struct schedule *s, struct err *err)
{
    struct place_run run = source();
    uint8_t digest[REPLICA_DIGEST_LEN];
    int rc = place_push(&s->place, &run);

    *err = run.err;
    s->equal = rc == 0;
    s->pushed = s->pushed || rc == 0;
    if (rc < 0)
        return rc;
    place_digest(&s->place, "a", 0, digest);
    assert_memory_equal(digest, run.point.digest, sizeof(digest));
    return 0;
}

static int pull_into(struct schedule *s, struct place_run *run, struct err *err)
{
    uint8_t digest[REPLICA_DIGEST_LEN];
    int rc = place_pull(&s->place, run);

    *err = run->err;
    if (rc < 0)
        return rc;
    place_digest(&s->place, run->image, run->point.size_bytes, digest);
    assert_memory_equal(digest, run->point.digest, sizeof(digest));
    if (s->equal)
        assert_true(place_same(&s->place, "a", run->image, s->size));
    return 0;
}

static int do_pull(struct schedule *s, struct err *err)
{
    struct place_run run = landing();

    return pull_into(s, &run, err);
}

static int do_verify(struct schedule *s, struct err *err)
{
    return place_verify(&s->place, s->equal ? "a" : NULL, NULL, NULL, err);
}

static int once(struct schedule *s, unsigned port, int (*fn)(struct schedule *, struct err *),
                struct err *err)
{
    int rc;

    *err = (struct err){0};
    rc = open_vault(s, port, err);
    if (rc == 0)
        rc = fn(s, err);
    vault_close(TAKE(s->place.vault));
    return rc;
}

/* The exit code must be one that the faults that took place explain. */
static void judge(const struct schedule *s, const char *what, const struct err *err)
{
    bool head = s3_story_says(s->faults, " flip-head ");
    bool denied = s3_story_says(s->faults, " expired ") || s3_story_says(s->faults, " skewed ");
    bool altered = s3_story_says(s->faults, " flip-down ");
    const struct gw_row *row = gw_of(err);

    if (row->exit == GW_EXIT_UNREACHABLE || (row->exit == GW_EXIT_NOT_FOUND && !s->pushed) ||
        (row->exit == GW_EXIT_AUTH && (denied || head)) ||
        (row->exit == GW_EXIT_MISMATCH && (altered || head)) ||
        (row->exit == GW_EXIT_USAGE && head))
        return;
    fail_msg("%s ends with GW-%u, exit %d: %s", what, row->number, (int)row->exit, err->text);
}

static void through(struct schedule *s, const char *what,
                    int (*fn)(struct schedule *, struct err *))
{
    for (int i = 0; i < TRIES; i++) {
        int rc = once(s, s->proxy.port, fn, &s->err);

        printf("  %s: %s\n", what, rc == 0 ? "ok" : s->err.text);
        if (rc == 0)
            return;
        judge(s, what, &s->err);
    }
}

static void direct(struct schedule *s, const char *what, int (*fn)(struct schedule *, struct err *))
{
    if (once(s, s->service.port, fn, &s->err) < 0)
        fail_msg("without faults %s ends with: %s", what, s->err.text);
}

/* -- what a volume looks like ---------------------------------------------- */

static void fill(struct schedule *s, const char *image)
{
    uint64_t pieces = 1 + below(s, 8);

    s->equal = false;
    while (pieces-- > 0) {
        uint64_t len = 1 + below(s, below(s, 2) ? 40 * KIB : 1500 * KIB);
        uint64_t at = below(s, s->size - len);

        if (below(s, 4) == 0) {
            auto_free uint8_t *same = calloc(1, len);

            memset(same, (int)below(s, 3), len);
            place_write(&s->place, image, at, same, len);
        } else {
            place_random(&s->place, image, at, len, place_rand(&s->rand));
        }
    }
}

static void make_source(struct schedule *s)
{
    /* Sometimes two regions, and a size that is no multiple of anything. */
    s->size = below(s, 5) == 0 ? 65 * MIB : 2 * MIB + below(s, 12 * MIB);
    place_resize(&s->place, "a", s->size);
    fill(s, "a");
}

/* -- rot --------------------------------------------------------------------- */

struct rotten {
    char key[LINE_MAX_LEN]; /* with the prefix of the vault */
    uint64_t offset;
    bool named;
};

/* One of the objects that a verification read, "GET status size key". */
static void choose_rotten(struct schedule *s, size_t from, struct rotten *ret)
{
    char line[LINE_MAX_LEN];
    uint64_t n = 0;
    uint64_t size = 1;
    auto_vec char **words = NULL;

    while (s3_story_line(s->requests, "GET 20", &from, line, sizeof(line))) {
        text_vec_free(TAKE(words));
        assert_ok(text_split(line, " ", &words, NULL));
        if (text_vec_len(words) != 4 || below(s, ++n) != 0)
            continue; /* a listing, or not drawn */
        assert_ok(num_parse_u64(words[2], 1, UINT64_MAX, &size, NULL));
        assert_ok(text_copy(ret->key, sizeof(ret->key), words[3]));
    }
    assert_true(n > 0);
    ret->offset = below(s, size);
}

static void name_rotten(void *arg, const struct replica_fault *f)
{
    struct rotten *r = arg;

    if (f->object && text_ends(r->key, f->object))
        r->named = true;
}

/* Packs are faults of the verification; the point and the vault object end it. */
static bool is_named(const struct rotten *r, const struct err *err)
{
    const char *key = r->key + strlen("idc/");

    return r->named || strstr(err->text, key);
}

static void expect_named(const struct schedule *s, const struct rotten *r, const char *what, int rc)
{
    const struct gw_row *row = gw_of(&s->err);

    if (rc == 0)
        fail_msg("%s does not see that byte %llu of %s was altered", what,
                 (unsigned long long)r->offset, r->key);
    if (row->exit != GW_EXIT_MISMATCH || !is_named(r, &s->err))
        fail_msg("%s does not name %s (byte %llu), but says GW-%u: %s", what, r->key,
                 (unsigned long long)r->offset, row->number, s->err.text);
}

static int verify_rotten(struct schedule *s, struct rotten *r)
{
    int rc;

    s->err = (struct err){0};
    rc = open_vault(s, s->proxy.port, &s->err);
    if (rc == 0)
        rc = place_verify(&s->place, NULL, name_rotten, r, &s->err);
    vault_close(TAKE(s->place.vault));
    return rc;
}

static int do_pull_fresh(struct schedule *s, struct err *err)
{
    struct place_run run = {.image = "c", .state = "sc"};

    return pull_into(s, &run, err);
}

static void rot(struct schedule *s)
{
    struct rotten r = {0};
    size_t before = s3_story_size(s->requests);
    char seed[] = "0";
    char port[16];
    char offset[32];
    const char *argv[] = {"tool_proxy", seed, port, s->faults, r.key, offset, "3", NULL};
    int rc;

    direct(s, "verify", do_verify);
    choose_rotten(s, before, &r);
    assert_ok(text_print(port, sizeof(port), "%u", s->service.port));
    assert_ok(text_print(offset, sizeof(offset), "%llu", (unsigned long long)r.offset));
    s3_story_stop(&s->proxy);
    s3_story_start(&s->proxy, argv);
    expect_named(s, &r, "verify", verify_rotten(s, &r));
    r.named = false;
    rc = once(s, s->proxy.port, do_pull_fresh, &s->err);
    printf("  rot of %s at %s: pull %s\n", r.key, offset, rc == 0 ? "ok" : s->err.text);
    if (rc < 0)
        expect_named(s, &r, "pull", rc);
    direct(s, "pull", do_pull_fresh);
}

/* -- one schedule ------------------------------------------------------------ */

static void start_service(struct schedule *s, const char *dir)
{
    char bodies[PATH_MAX];
    const char *argv[] = {"tool_s3", bodies, "bucket", s->requests, NULL};

    assert_int_equal(0, mkdir(unit_path(dir, "bodies", bodies), 0700));
    assert_ok(text_copy(s->url, sizeof(s->url), "s3://bucket/idc"));
    s3_story_start(&s->service, argv);
}

/* One vault for each schedule and run of it. */
static void find_service(struct schedule *s)
{
    uint64_t port = 0;

    assert_ok(num_parse_u64(their_port(), 1, UINT16_MAX, &port, NULL));
    s->service.port = (unsigned)port;
    assert_non_null(getenv("GODWIT_TEST_S3_URL"));
    assert_ok(text_print(s->url, sizeof(s->url), "%s/%llu-%016llx", getenv("GODWIT_TEST_S3_URL"),
                         (unsigned long long)s->seed, (unsigned long long)rng_u64(&rng_system)));
}

static void start(struct schedule *s, const char *dir)
{
    char port[16];
    char seed[32];
    const char *proxy[] = {"tool_proxy", seed, port, s->faults, NULL};

    s->rand = s->seed;
    s->encrypted = below(s, 5) != 0;
    s->place.dir = strdup(dir);
    unit_path(dir, "requests", s->requests);
    unit_path(dir, "faults", s->faults);
    if (their_port())
        find_service(s);
    else
        start_service(s, dir);
    assert_ok(text_print(port, sizeof(port), "%u", s->service.port));
    assert_ok(text_print(seed, sizeof(seed), "%llu", (unsigned long long)s->seed));
    s3_story_start(&s->proxy, proxy);
}

static void finish(struct schedule *s)
{
    s3_story_stop(&s->proxy);
    s3_story_stop(&s->service);
    free(s->place.dir);
}

static uint64_t child_seed;
static const char *child_dir;

static void equal_in_the_end(void **state)
{
    struct schedule s = {.seed = child_seed};

    (void)state;
    start(&s, child_dir);
    make_source(&s);
    through(&s, "seed", do_push);
    through(&s, "pull of the seed", do_pull);
    fill(&s, "a");
    through(&s, "delta", do_push);
    through(&s, "pull", do_pull);
    through(&s, "verify", do_verify);
    fill(&s, "a");
    through(&s, "second delta", do_push);
    direct(&s, "push", do_push);
    direct(&s, "pull", do_pull);
    direct(&s, "verify", do_verify);
    if (!their_port()) {
        /* Nothing that is written once was ever written with other bytes. */
        assert_false(s3_story_says(s.requests, " other"));
        rot(&s);
    }
    finish(&s);
}

static int child(const char *seed, const char *dir)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(equal_in_the_end)};

    child_dir = dir;
    alarm(DEADLINE_S); /* a hang is a failure, by SIGALRM */
    if (num_parse_u64(seed, 1, UINT64_MAX, &child_seed, NULL) < 0)
        return 2;
    if (!their_port())
        s3_story_environment();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* -- all of them --------------------------------------------------------------- */

struct running {
    pid_t pid; /* 0: free */
    uint64_t seed;
    char *dir;
};

static void launch(struct running *r, uint64_t seed)
{
    char text[32];
    char log[PATH_MAX];

    r->seed = seed;
    r->dir = unit_mkdir();
    assert_ok(text_print(text, sizeof(text), "%llu", (unsigned long long)seed));
    fflush(NULL);
    r->pid = fork();
    assert_true(r->pid >= 0);
    if (r->pid > 0)
        return;
    if (!freopen(unit_path(r->dir, "log", log), "w", stdout) || dup2(1, 2) < 0)
        _exit(126);
    execl("/proc/self/exe", "fault_s3_schedules", "child", text, r->dir, (char *)NULL);
    _exit(127);
}

static void show(const char *dir, const char *name)
{
    auto_buf struct buf text = {0};
    char path[PATH_MAX];

    if (fd_load(unit_path(dir, name, path), MIB, &text, NULL) == 0)
        printf("-- %s\n%s\n", name, buf_cstr(&text));
}

/* One of them ended: was it well? */
static bool reap(struct running *all)
{
    int status = 0;
    pid_t pid = wait(&status);
    bool ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;

    for (size_t i = 0; i < AT_ONCE; i++) {
        struct running *r = &all[i];

        if (r->pid != pid)
            continue;
        if (!ok) {
            printf("FAILED: schedule %llu (%s %d); again: ./fault_s3_schedules %llu\n",
                   (unsigned long long)r->seed, WIFSIGNALED(status) ? "signal" : "exit",
                   WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
                   (unsigned long long)r->seed);
            show(r->dir, "log");
            show(r->dir, "faults");
        }
        unit_rmdir(r->dir);
        r->pid = 0;
    }
    return ok;
}

static struct running *free_one(struct running *all)
{
    for (size_t i = 0; i < AT_ONCE; i++)
        if (all[i].pid == 0)
            return &all[i];
    return NULL;
}

/* Schedules that once found something: replies lost on a kept-alive connection, heads that are no
 * HTTP, damage of a reply taken for damage of the vault; a service busy for longer than a schedule
 * may take (its pauses were waited for in full). */
static const uint64_t found[] = {27, 56, 85, 111, 278, 444, 563, 734, 788};

static int run_all(const uint64_t *seeds, size_t n)
{
    struct running all[AT_ONCE] = {0};
    size_t failed = 0;
    size_t next = 0;

    for (size_t done = 0; done < n;) {
        struct running *r = next < n ? free_one(all) : NULL;

        if (r) {
            launch(r, seeds[next++]);
            continue;
        }
        failed += !reap(all);
        done++;
    }
    printf("%zu schedules, %zu failed\n", n, failed);
    return failed > 0;
}

static int run_seeds(char **texts, size_t n)
{
    auto_free uint64_t *seeds = calloc(n, sizeof(*seeds));

    for (size_t i = 0; seeds && i < n; i++)
        if (num_parse_u64(texts[i], 1, UINT64_MAX, &seeds[i], NULL) < 0)
            return 2;
    return seeds ? run_all(seeds, n) : 99;
}

int main(int argc, char **argv)
{
    const char *wish = getenv("GODWIT_SCHEDULES");
    uint64_t n = SCHEDULES_DEFAULT;
    auto_free uint64_t *seeds = NULL;

    if (argc == 4 && text_equal(argv[1], "child"))
        return child(argv[2], argv[3]);
    place_prefer_memory();
    if (argc > 1)
        return run_seeds(argv + 1, (size_t)argc - 1);
    if (wish && num_parse_u64(wish, 1, 1000000, &n, NULL) < 0)
        return 2;
    seeds = calloc(n + ARRAY_LEN(found), sizeof(*seeds));
    if (!seeds)
        return 99;
    for (size_t i = 0; i < n; i++)
        seeds[i] = i + 1;
    memcpy(seeds + n, found, sizeof(found));
    return run_all(seeds, n + ARRAY_LEN(found));
}
