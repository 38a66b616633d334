/* SPDX-License-Identifier: Apache-2.0 */
/* The digest table: proved by digest, changed only by a sealed pass, never wrong after a crash. */
#include "tests/unit.h"

#include "base/clock.h"
#include "base/crypto.h"
#include "base/err.h"
#include "transport/table.h"

#include <signal.h>
#include <sys/wait.h>

#include "base/banned.h"

enum { LEAVES = DIGEST_REGION_LEAVES + 5 };
static const uint64_t size_bytes = (uint64_t)LEAVES * VOLUME_BLOCK - 100;

/* What the table should hold: each leaf a hash of (seed, position). */
struct model {
    uint8_t leaves[LEAVES][DIGEST_LEN];
    uint64_t tags[LEAVES][TAGS_A_BLOCK];
};

static void model_set(struct model *m, uint32_t i, uint32_t seed)
{
    uint32_t key[2] = {seed, i};

    crypto_sha256(slice_of(key, sizeof(key)), m->leaves[i]);
    for (uint32_t k = 0; k < TAGS_A_BLOCK; k++)
        m->tags[i][k] = (uint64_t)seed << 32 | i << 8 | k;
}

static void model_init(struct model *m, uint32_t seed)
{
    for (uint32_t i = 0; i < LEAVES; i++)
        model_set(m, i, seed);
}

static void model_digest(const struct model *m, uint8_t *out)
{
    digest_tree(m->leaves[0], LEAVES, out);
    digest_volume(size_bytes, out, out);
}

/* A whole pass that takes the table from `from` (NULL: unknown) to `to`, up to its seal. */
static int pass(struct table *t, const struct model *from, const struct model *to, struct err *err)
{
    uint8_t digest[DIGEST_LEN];
    int rc = table_begin(t, err);

    for (uint64_t region = 0; rc == 0 && region < 2; region++) {
        size_t first = (size_t)region * DIGEST_REGION_LEAVES;
        uint64_t changed[TABLE_WORDS] = {0};
        size_t n = digest_region_leaves(size_bytes, region);
        bool any = !from;

        for (size_t i = 0; from && i < n; i++) {
            if (memcmp(from->leaves[first + i], to->leaves[first + i], DIGEST_LEN) == 0)
                continue;
            changed[i / 64] |= UINT64_C(1) << i % 64;
            any = true;
        }
        if (any)
            rc = table_update(t, region,
                              &(struct table_region){.leaves = to->leaves[first],
                                                     .tags = to->tags[first],
                                                     .changed = from ? changed : NULL},
                              err);
    }
    if (rc == 0)
        rc = table_digest(t, digest, err);
    return rc == 0 ? table_seal(t, digest, err) : rc;
}

static void assert_holds(const char *dir, const struct model *m)
{
    auto_table struct table *t = NULL;
    uint8_t leaves[DIGEST_REGION_LEAVES * DIGEST_LEN];
    uint64_t tags[DIGEST_REGION_LEAVES * TAGS_A_BLOCK];
    uint8_t digest[DIGEST_LEN];
    bool known = false;

    model_digest(m, digest);
    assert_ok(table_open(dir, size_bytes, digest, &rng_system, &t, NULL));
    assert_true(table_known(t));
    for (uint64_t region = 0; region < 2; region++) {
        assert_ok(table_read(t, region, leaves, &known, NULL));
        assert_true(known);
        assert_memory_equal(leaves, m->leaves[region * DIGEST_REGION_LEAVES],
                            digest_region_leaves(size_bytes, region) * DIGEST_LEN);
        assert_ok(table_read_tags(t, region, tags, &known, NULL));
        assert_true(known);
        assert_memory_equal(tags, m->tags[region * DIGEST_REGION_LEAVES],
                            digest_region_leaves(size_bytes, region) * sizeof(m->tags[0]));
    }
}

static void seed(const char *dir, const struct model *m)
{
    auto_table struct table *t = NULL;

    assert_ok(table_open(dir, size_bytes, NULL, &rng_system, &t, NULL));
    assert_false(table_known(t));
    assert_ok(pass(t, NULL, m, NULL));
    assert_ok(table_commit(t, NULL));
}

static bool is_known(const char *dir, uint64_t size, const struct model *m)
{
    auto_table struct table *t = NULL;
    uint8_t digest[DIGEST_LEN];

    model_digest(m, digest);
    assert_ok(table_open(dir, size, digest, &rng_system, &t, NULL));
    return table_known(t);
}

static void keeps_what_a_pass_committed(void **state)
{
    char *dir = unit_mkdir();
    struct model a;
    struct model b;
    struct table *t = NULL;
    uint8_t digest[DIGEST_LEN];

    (void)state;
    model_init(&a, 1);
    seed(dir, &a);
    assert_holds(dir, &a);
    b = a;
    model_set(&b, 3, 2);
    model_set(&b, 4, 2);
    model_set(&b, LEAVES - 1, 2);
    model_digest(&a, digest);
    assert_ok(table_open(dir, size_bytes, digest, &rng_system, &t, NULL));
    assert_ok(pass(t, &a, &b, NULL));
    assert_ok(table_commit(t, NULL));
    assert_true(table_known(t));
    table_close(t);
    assert_holds(dir, &b);
    assert_false(is_known(dir, size_bytes, &a));
    unit_rmdir(dir);
}

static int update(struct table *t, const struct model *m, uint64_t region)
{
    size_t first = (size_t)region * DIGEST_REGION_LEAVES;
    struct table_region now = {.leaves = m->leaves[first], .tags = m->tags[first]};

    return table_update(t, region, &now, NULL);
}

/* A whole pass to m that ends after its first region was kept; more: and some that was not. */
static void keep_half(const char *dir, const struct model *m, bool more)
{
    auto_table struct table *t = NULL;
    uint8_t digest[DIGEST_LEN];

    model_digest(m, digest);
    assert_ok(table_open(dir, size_bytes, NULL, &rng_system, &t, NULL));
    assert_ok(table_begin(t, NULL));
    assert_ok(update(t, m, 0));
    assert_ok(table_keep(t, table_mark(t), digest, NULL));
    if (more)
        assert_ok(update(t, m, 1));
}

static void a_kept_pass_is_gone_on_with(void **state)
{
    auto_free struct model *m = malloc(sizeof(*m));

    (void)state;
    model_init(m, 1);
    for (int more = 0; more < 2; more++) {
        char *dir = unit_mkdir();
        auto_table struct table *t = NULL;
        auto_free uint64_t *done = NULL;
        uint8_t want[DIGEST_LEN];
        uint8_t digest[DIGEST_LEN];

        keep_half(dir, m, more);
        model_digest(m, want);
        assert_ok(table_open(dir, size_bytes, NULL, &rng_system, &t, NULL));
        assert_ok(table_begin_again(t, want, &done, NULL));
        assert_non_null(done);
        assert_int_equal(1, done[0]);
        assert_ok(update(t, m, 1));
        assert_ok(table_digest(t, digest, NULL));
        assert_memory_equal(want, digest, DIGEST_LEN);
        assert_ok(table_seal(t, digest, NULL));
        assert_ok(table_commit(t, NULL));
        table_close(TAKE(t));
        assert_holds(dir, m);
        unit_rmdir(dir);
    }
}

static void flip(const char *dir, const char *name, long at);

/* Another digest, another size, a header or a run that is damaged: from the start. */
static void what_is_kept_of_another_or_damaged_is_nothing(void **state)
{
    static const long flips[] = {-1, 10, 70, 4096 * 2 + 100};
    auto_free struct model *m = malloc(sizeof(*m));

    (void)state;
    model_init(m, 1);
    for (size_t i = 0; i < ARRAY_LEN(flips); i++) {
        char *dir = unit_mkdir();
        auto_table struct table *t = NULL;
        auto_free uint64_t *done = NULL;
        uint8_t want[DIGEST_LEN];

        keep_half(dir, m, true);
        model_digest(m, want);
        if (flips[i] < 0)
            want[0] ^= 1;
        else
            flip(dir, "table.next", flips[i]);
        assert_ok(table_open(dir, size_bytes, NULL, &rng_system, &t, NULL));
        assert_ok(table_begin_again(t, want, &done, NULL));
        assert_null(done);
        assert_ok(update(t, m, 0)); /* it is a pass like any other */
        unit_rmdir(dir);
    }
}

static void sealed_pass_is_decided_by_who_opens(void **state)
{
    char *dir = unit_mkdir();
    struct model a;
    struct model b;
    struct table *t = NULL;
    uint8_t digest[DIGEST_LEN];

    (void)state;
    model_init(&a, 1);
    seed(dir, &a);
    b = a;
    model_set(&b, 100, 2);
    model_digest(&a, digest);
    assert_ok(table_open(dir, size_bytes, digest, &rng_system, &t, NULL));
    assert_ok(pass(t, &a, &b, NULL));
    table_close(t); /* as a kill between seal and commit */
    assert_holds(dir, &a);
    assert_holds(dir, &b); /* the point did stand after all */
    assert_holds(dir, &b);
    unit_rmdir(dir);
}

static void abort_keeps_the_old_table(void **state)
{
    char *dir = unit_mkdir();
    struct model a;
    struct model b;
    struct table *t = NULL;
    uint8_t digest[DIGEST_LEN];

    (void)state;
    model_init(&a, 1);
    seed(dir, &a);
    model_init(&b, 2);
    model_digest(&a, digest);
    assert_ok(table_open(dir, size_bytes, digest, &rng_system, &t, NULL));
    assert_ok(pass(t, &a, &b, NULL));
    table_abort(t);
    table_close(t);
    assert_false(is_known(dir, size_bytes, &b));
    assert_holds(dir, &a);
    unit_rmdir(dir);
}

static void other_size_is_not_known(void **state)
{
    char *dir = unit_mkdir();
    struct model a;

    (void)state;
    model_init(&a, 1);
    seed(dir, &a);
    assert_false(is_known(dir, size_bytes - 1, &a));
    assert_false(is_known(dir, size_bytes + VOLUME_REGION, &a));
    unit_rmdir(dir);
}

static void flip(const char *dir, const char *name, long at)
{
    char path[PATH_MAX];
    FILE *f = fopen(unit_path(dir, name, path), "r+e");
    int c;

    assert_non_null(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    c = fgetc(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    assert_true(fputc(c ^ 0x40, f) != EOF);
    assert_int_equal(fclose(f), 0);
}

/* Header, roots, leaves: whatever bit is wrong, it is told, not used. */
static void damage_is_never_believed(void **state)
{
    uint8_t leaves[DIGEST_REGION_LEAVES * DIGEST_LEN];
    static const long header[] = {0, 9, 17, 30, 60, 90, 4096, 4096 + 70};
    uint8_t digest[DIGEST_LEN];
    char *dir = unit_mkdir();
    struct model a;
    struct table *t = NULL;
    bool known = true;

    (void)state;
    model_init(&a, 1);
    model_digest(&a, digest);
    for (size_t i = 0; i < ARRAY_LEN(header); i++) {
        seed(dir, &a);
        flip(dir, "table", header[i]);
        assert_false(is_known(dir, size_bytes, &a));
    }
    seed(dir, &a);
    flip(dir, "table", 8192 + 33);
    assert_ok(table_open(dir, size_bytes, digest, &rng_system, &t, NULL));
    assert_true(table_known(t));
    assert_ok(table_read(t, 0, leaves, &known, NULL));
    assert_false(known);
    assert_ok(table_read(t, 1, leaves, &known, NULL));
    assert_true(known);
    table_close(t);
    unit_rmdir(dir);
}

static void damaged_tags_are_never_believed(void **state)
{
    uint64_t tags[DIGEST_REGION_LEAVES * TAGS_A_BLOCK];
    const long first = 8192 + (LEAVES * DIGEST_LEN + 4095) / 4096 * 4096;
    uint8_t digest[DIGEST_LEN];
    char *dir = unit_mkdir();
    struct model a;
    struct table *t = NULL;
    bool known = true;

    (void)state;
    model_init(&a, 1);
    model_digest(&a, digest);
    seed(dir, &a);
    flip(dir, "table", first + 77);         /* a tag of region 0 */
    flip(dir, "table", 4096 + 64 + 32 + 5); /* the check of region 1 */
    assert_ok(table_open(dir, size_bytes, digest, &rng_system, &t, NULL));
    assert_true(table_known(t));
    assert_ok(table_read_tags(t, 0, tags, &known, NULL));
    assert_false(known);
    known = true;
    assert_ok(table_read_tags(t, 1, tags, &known, NULL));
    assert_false(known);
    table_close(t);
    unit_rmdir(dir);
}

static void damaged_changes_are_never_applied_as_a_table(void **state)
{
    char *dir = unit_mkdir();
    struct model a;
    struct model b;
    struct table *t = NULL;
    uint8_t digest[DIGEST_LEN];

    (void)state;
    model_init(&a, 1);
    seed(dir, &a);
    model_init(&b, 2);
    model_digest(&a, digest);
    assert_ok(table_open(dir, size_bytes, digest, &rng_system, &t, NULL));
    assert_ok(pass(t, &a, &b, NULL));
    table_close(t);
    flip(dir, "table.next", 8192 + 1000);
    assert_false(is_known(dir, size_bytes, &b));
    assert_false(is_known(dir, size_bytes, &a)); /* part of b is in it now */
    seed(dir, &b);
    assert_holds(dir, &b);
    unit_rmdir(dir);
}

/* Blocks of zeroes, gone and come again, and no room for those that stay. */
static void zeroes_take_no_room(void **state)
{
    char *dir = unit_mkdir();
    char path[PATH_MAX];
    struct model a;
    struct model b;
    struct table *t = NULL;
    uint8_t digest[DIGEST_LEN];
    struct stat st;

    (void)state;
    model_init(&a, 1);
    for (uint32_t i = 0; i < LEAVES; i++) {
        if (i % 500 == 0)
            continue;
        memcpy(a.leaves[i], digest_zero_leaf(), DIGEST_LEN);
        memset(a.tags[i], 0, sizeof(a.tags[i]));
    }
    seed(dir, &a);
    assert_holds(dir, &a);
    assert_int_equal(stat(unit_path(dir, "table", path), &st), 0);
    assert_true(st.st_blocks * 512 < 64 * 1024);
    b = a;
    model_set(&b, 17, 5);
    memcpy(b.leaves[500], digest_zero_leaf(), DIGEST_LEN);
    memset(b.tags[500], 0, sizeof(b.tags[500]));
    model_digest(&a, digest);
    assert_ok(table_open(dir, size_bytes, digest, &rng_system, &t, NULL));
    assert_ok(pass(t, &a, &b, NULL));
    assert_ok(table_commit(t, NULL));
    table_close(t);
    assert_holds(dir, &b);
    unit_rmdir(dir);
}

static void needs_a_failpoint_build(void)
{
    const char *have = getenv("GODWIT_TEST_FAILPOINTS");

    if (!have || !have[0])
        skip();
}

/* The story that the kill test kills: every hundredth leaf changes. */
static void story(struct model *a, struct model *b)
{
    model_init(a, 1);
    *b = *a;
    for (uint32_t i = 0; i < LEAVES; i += 100)
        model_set(b, i, 2);
}

/* In the child: its failpoints were read from the environment before main. */
static int child(const char *dir)
{
    struct model a;
    struct model b;
    auto_table struct table *t = NULL;
    uint8_t digest[DIGEST_LEN];

    story(&a, &b);
    model_digest(&a, digest);
    if (table_open(dir, size_bytes, digest, &rng_system, &t, NULL) == 0 &&
        pass(t, &a, &b, NULL) == 0 && table_commit(t, NULL) == 0)
        return 0;
    return 1;
}

/* One pass in a child that dies at the nth pass of the failpoint; false when it did not. */
static bool dies_at(const char *dir, const char *point, unsigned nth)
{
    char spec[64];
    int status;
    pid_t pid;

    snprintf(spec, sizeof(spec), "%s:%u=kill", point, nth);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        setenv("GODWIT_FAILPOINT", spec, 1);
        execl("/proc/self/exe", "unit_table", dir, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status))
        return true;
    assert_int_equal(WEXITSTATUS(status), 0);
    return false;
}

static void killed_anywhere_it_is_old_or_new(void **state)
{
    static const char *const points[] = {"table_seal", "table_apply", "table_whole"};
    struct model a;
    struct model b;

    (void)state;
    needs_a_failpoint_build();
    story(&a, &b);
    for (size_t p = 0; p < ARRAY_LEN(points); p++) {
        for (unsigned nth = 1;; nth++) {
            char *dir = unit_mkdir();
            bool died;

            seed(dir, &a);
            died = dies_at(dir, points[p], nth);
            if (died && p == 0)
                assert_holds(dir, &a); /* not sealed: the old one */
            else
                assert_holds(dir, &b); /* sealed: whoever says b stands gets b */
            unit_rmdir(dir);
            if (!died)
                break;
        }
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_what_a_pass_committed),
        cmocka_unit_test(a_kept_pass_is_gone_on_with),
        cmocka_unit_test(what_is_kept_of_another_or_damaged_is_nothing),
        cmocka_unit_test(sealed_pass_is_decided_by_who_opens),
        cmocka_unit_test(abort_keeps_the_old_table),
        cmocka_unit_test(other_size_is_not_known),
        cmocka_unit_test(damage_is_never_believed),
        cmocka_unit_test(damaged_tags_are_never_believed),
        cmocka_unit_test(damaged_changes_are_never_applied_as_a_table),
        cmocka_unit_test(zeroes_take_no_room),
        cmocka_unit_test(killed_anywhere_it_is_old_or_new),
    };

    if (argc > 1)
        return child(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
