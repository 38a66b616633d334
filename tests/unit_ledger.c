/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger: what a killed pass made durable is known again, and nothing else is. */
#include "tests/unit.h"

#include "base/crypto.h"
#include "transport/ledger.h"
#include "transport/made.h"

#include <signal.h>
#include <sys/resource.h>

#include "base/banned.h"

static struct unit unit_no(uint32_t i)
{
    struct unit u = {.offset = 64 + i % 100 * 1000,
                     .stored_len = 900,
                     .raw_len = 65536,
                     .segment = i % 100,
                     .codec = 1,
                     .kind = UNIT_DATA};
    uint32_t pack = i / 100;
    uint8_t hash[32];

    crypto_sha256(slice_of(&pack, sizeof(pack)), u.pack);
    crypto_sha256(slice_of(u.pack, 32), u.salt);
    crypto_sha256(slice_of(&i, sizeof(i)), hash);
    memcpy(u.id, hash, UNIT_ID_LEN);
    return u;
}

struct asked {
    unsigned times;
    bool answer;
};

static int check(void *arg, const uint8_t *pack, bool *ret_there, struct err *err)
{
    struct asked *a = arg;

    (void)pack;
    (void)err;
    a->times++;
    *ret_there = a->answer;
    return 0;
}

static void assert_finds(struct ledger *l, uint32_t i, struct asked *a, int want)
{
    struct unit u = unit_no(i);
    struct unit got;

    assert_int_equal(ledger_find(l, u.id, u.raw_len, check, a, &got, NULL), want);
    if (want == 1) {
        assert_true(unit_same(&u, &got));
        assert_memory_equal(u.id, got.id, UNIT_ID_LEN);
        assert_int_equal(u.stored_len, got.stored_len);
    }
}

static void add(struct ledger *l, uint32_t first, uint32_t n)
{
    struct unit units[100];

    for (uint32_t i = 0; i < n; i++)
        units[i] = unit_no(first + i);
    assert_ok(ledger_add(l, units, n, NULL));
}

static void knows_what_was_added_without_asking(void **state)
{
    char *dir = unit_mkdir();
    struct ledger *l = NULL;
    struct asked a = {0};

    (void)state;
    assert_ok(ledger_open(dir, &l, NULL));
    for (uint32_t i = 0; i < 10000; i += 100)
        add(l, i, 100);
    for (uint32_t i = 0; i < 10000; i += 7)
        assert_finds(l, i, &a, 1);
    assert_finds(l, 10000, &a, 0);
    assert_int_equal(a.times, 0);
    ledger_close(l);
    unit_rmdir(dir);
}

static void later_run_asks_once_a_pack(void **state)
{
    char *dir = unit_mkdir();
    struct ledger *l = NULL;
    struct asked a = {.answer = true};

    (void)state;
    assert_ok(ledger_open(dir, &l, NULL));
    add(l, 0, 100);
    add(l, 100, 100);
    ledger_close(l);
    assert_ok(ledger_open(dir, &l, NULL));
    assert_int_equal(ledger_count(l), 200);
    for (uint32_t i = 0; i < 200; i++)
        assert_finds(l, i, &a, 1);
    assert_int_equal(a.times, 2);
    ledger_close(l);
    unit_rmdir(dir);
}

static void unit_of_a_lost_pack_is_not_known(void **state)
{
    char *dir = unit_mkdir();
    struct ledger *l = NULL;
    struct asked a = {.answer = false};

    (void)state;
    assert_ok(ledger_open(dir, &l, NULL));
    add(l, 0, 100);
    ledger_close(l);
    assert_ok(ledger_open(dir, &l, NULL));
    assert_finds(l, 5, &a, 0);
    ledger_close(l);
    unit_rmdir(dir);
}

/* Which disk is full shows in the message alone. */
static void a_write_that_failed_names_its_directory(void **state)
{
    struct unit unit = unit_no(0);
    char *dir = unit_mkdir();
    struct ledger *l = NULL;
    struct rlimit before, none;
    struct err err = {0};

    (void)state;
    assert_ok(ledger_open(dir, &l, NULL));
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
    assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    assert_int_equal(ledger_add(l, &unit, 1, &err), -EFBIG);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_non_null(strstr(err.text, dir));
    ledger_close(l);
    unit_rmdir(dir);
}

/* Whatever byte a crash cut the file at, the whole records before it are known. */
static void torn_end_is_ignored(void **state)
{
    char *dir = unit_mkdir();
    char path[PATH_MAX];
    struct stat st;
    struct asked a = {.answer = true};

    (void)state;
    unit_path(dir, "ledger", path);
    for (off_t cut = 1; cut < 300; cut += 13) {
        struct ledger *l = NULL;
        size_t known;

        assert_ok(ledger_open(dir, &l, NULL));
        assert_ok(ledger_clear(l, NULL));
        add(l, 0, 10);
        ledger_close(l);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(truncate(path, st.st_size - cut), 0);
        assert_ok(ledger_open(dir, &l, NULL));
        known = ledger_count(l);
        assert_int_equal(known, (size_t)(st.st_size - cut) / ((size_t)st.st_size / 10));
        assert_finds(l, (uint32_t)known - 1, &a, 1);
        assert_finds(l, (uint32_t)known, &a, 0);
        add(l, (uint32_t)known, 1); /* and goes on where it was cut */
        ledger_close(l);
        assert_ok(ledger_open(dir, &l, NULL));
        assert_int_equal(ledger_count(l), known + 1);
        ledger_close(l);
    }
    unit_rmdir(dir);
}

static void clear_forgets_all(void **state)
{
    char *dir = unit_mkdir();
    struct ledger *l = NULL;
    struct asked a = {.answer = true};

    (void)state;
    assert_ok(ledger_open(dir, &l, NULL));
    add(l, 0, 100);
    assert_ok(ledger_clear(l, NULL));
    assert_finds(l, 0, &a, 0);
    ledger_close(l);
    assert_ok(ledger_open(dir, &l, NULL));
    assert_int_equal(ledger_count(l), 0);
    ledger_close(l);
    unit_rmdir(dir);
}

static void release(struct ledger *l, uint64_t mark, size_t much, struct made *m)
{
    struct err err = {0};

    if (ledger_release(l, mark, much, m, &err) < 0)
        fail_msg("%s", err.text);
}

static uint64_t file_bytes(const char *dir, const char *name)
{
    char path[PATH_MAX];
    struct stat st;

    assert_int_equal(stat(unit_path(dir, name, path), &st), 0);
    return (uint64_t)st.st_size;
}

struct told {
    const char *lost; /* start of the name of a pack that is lost; or NULL */
    unsigned n;
};

static int tell(void *arg, const uint8_t *pack, bool counted_on)
{
    struct told *t = arg;

    (void)counted_on;
    t->n++;
    return t->lost && memcmp(pack, t->lost, 8) == 0;
}

/* What was released goes, what came after stays known, and of packs none is forgotten. */
static void what_is_released_is_forgotten_but_its_packs(void **state)
{
    char *dir = unit_mkdir();
    struct ledger *l = NULL;
    struct made *m = NULL;
    struct asked a = {.answer = true};
    struct told told = {0};

    (void)state;
    assert_ok(ledger_open(dir, &l, NULL));
    assert_ok(made_open(dir, &m, NULL));
    for (uint32_t i = 0; i < 1000; i += 100)
        add(l, i, 100);
    ledger_close(l);
    assert_ok(ledger_open(dir, &l, NULL)); /* these are of an earlier run */
    assert_finds(l, 950, &a, 1);
    for (uint32_t i = 1000; i < 2000; i += 100)
        add(l, i, 100);
    release(l, 2000, 4000, m); /* not much */
    assert_finds(l, 0, &a, 1);
    release(l, 100, 2000, m); /* too little to write the others anew */
    assert_int_equal(file_bytes(dir, "packs"), 0);
    release(l, 900, 2000, m);
    assert_in_range(file_bytes(dir, "packs"), 9 * 32, 11 * 32); /* one may be named twice */
    assert_finds(l, 899, &a, 0);
    a.times = 0;
    for (uint32_t i = 900; i < 2000; i++)
        assert_finds(l, i, &a, 1);
    assert_int_equal(a.times, 0); /* it was asked for pack 9 before */
    release(l, 2000, 1000, m);    /* half of it at most */
    assert_finds(l, 1449, &a, 0);
    assert_finds(l, 1450, &a, 1);
    assert_int_equal(ledger_mark(l), 2000);
    ledger_close(l);
    assert_ok(ledger_open(dir, &l, NULL));
    assert_finds(l, 1449, &a, 0);
    assert_finds(l, 1999, &a, 1);
    assert_ok(ledger_packs(l, tell, &told, NULL));
    assert_ok(made_packs(m, tell, &told, NULL));
    assert_in_range(told.n, 20, 24);
    made_close(m);
    ledger_close(l);
    unit_rmdir(dir);
}

static struct made_page page_no(uint32_t region)
{
    struct made_page p = {.region = region, .sectors = 16384, .unit = unit_no(region)};

    p.unit.kind = UNIT_MAP;
    p.unit.raw_len = 5000;
    return p;
}

static void a_noted_page_is_found_by_its_region(void **state)
{
    char *dir = unit_mkdir();
    char path[PATH_MAX];
    struct made *m = NULL;
    struct made_page pages[3] = {page_no(0), page_no(7), page_no(1000)};
    struct made_page got;
    struct told told = {.lost = (const char *)pages[2].unit.pack};

    (void)state;
    assert_ok(made_open(dir, &m, NULL));
    assert_false(made_any(m));
    assert_int_equal(made_page(m, 0, &got, NULL), 0);
    assert_ok(made_note(m, pages, 3, NULL));
    made_close(m);
    assert_ok(made_open(dir, &m, NULL));
    assert_true(made_any(m));
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(made_page(m, pages[i].region, &got, NULL), 1);
        assert_true(unit_same(&got.unit, &pages[i].unit));
        assert_memory_equal(got.unit.id, pages[i].unit.id, UNIT_ID_LEN);
    }
    assert_int_equal(made_page(m, 8, &got, NULL), 0);
    assert_int_equal(made_page(m, 1001, &got, NULL), 0);
    /* A pack that a collector took takes its pages along, for this process. */
    assert_ok(made_packs(m, tell, &told, NULL));
    assert_int_equal(told.n, 2); /* the first two pages share one */
    assert_int_equal(made_page(m, 1000, &got, NULL), 0);
    assert_int_equal(made_page(m, 7, &got, NULL), 1);
    /* A torn slot is none. */
    assert_int_equal(truncate(unit_path(dir, "pages", path), 7 * 128 + 60), 0);
    assert_int_equal(made_page(m, 7, &got, NULL), 0);
    assert_ok(made_clear(m, NULL));
    assert_int_equal(made_page(m, 0, &got, NULL), 0);
    assert_false(made_any(m));
    made_close(m);
    unit_rmdir(dir);
}

/* So much is lost that it is not worth listing: then no page is believed. */
static void when_much_is_lost_no_page_is_believed(void **state)
{
    enum { PACKS = 70000 };
    uint8_t(*names)[32] = calloc(PACKS, sizeof(*names));
    char *dir = unit_mkdir();
    struct made_page page = page_no(3);
    struct made_page got;
    struct made *m = NULL;

    (void)state;
    assert_non_null(names);
    assert_ok(made_open(dir, &m, NULL));
    assert_ok(made_note(m, &page, 1, NULL));
    for (uint32_t i = 0; i < PACKS; i++)
        memcpy(names[i], &i, sizeof(i));
    assert_ok(made_add_packs(m, names, PACKS, NULL));
    for (uint32_t i = 0; i < PACKS; i++)
        assert_ok(made_lose(m, names[i], NULL));
    assert_int_equal(made_page(m, 3, &got, NULL), 0);
    made_close(m);
    free(names);
    unit_rmdir(dir);
}

/*
 * A seed in full units, 14 a pack, pages noted 350 regions at a time: files and memory stay what
 * they are while it grows, and where it was cut it goes on. 10 TiB with GODWIT_SOAK, else 256 GiB,
 * which are twice as many units as are kept at one time.
 */
static void a_seed_keeps_its_place_in_bounded_memory(void **state)
{
    enum { REGION_UNITS = 256, FLUSH = 350, PACK_UNITS = 100, MIB = 1 << 20 };
    const uint32_t regions = (getenv("GODWIT_SOAK") ? 10u << 20 : 256u << 10) / 64;
    char *dir = unit_mkdir();
    struct made_page *pages = calloc(FLUSH, sizeof(*pages));
    struct asked a = {.answer = true};
    struct ledger *l = NULL;
    struct made *m = NULL;
    struct told told = {0};
    struct made_page got;
    uint64_t biggest = 0, marks[2] = {0};
    uint32_t unit = 0;

    (void)state;
    assert_non_null(pages);
    assert_ok(ledger_open(dir, &l, NULL));
    assert_ok(made_open(dir, &m, NULL));
    for (uint32_t r = 0; r < regions; r++) {
        while (unit < (r + 1) * REGION_UNITS) {
            add(l, unit, PACK_UNITS);
            unit += PACK_UNITS;
        }
        pages[r % FLUSH] = page_no(r);
        if (r % FLUSH != FLUSH - 1)
            continue;
        assert_ok(made_note(m, pages, FLUSH, NULL));
        release(l, marks[0], LEDGER_MUCH, m); /* what lay before the last one */
        marks[0] = marks[1];
        marks[1] = ledger_mark(l);
        if (file_bytes(dir, "ledger") > biggest)
            biggest = file_bytes(dir, "ledger");
    }
    assert_true(biggest < 64 * (uint64_t)MIB);
    assert_true(ledger_count(l) < LEDGER_INDEX_MAX);
    ledger_close(l);
    made_close(m);
    assert_ok(ledger_open(dir, &l, NULL));
    assert_ok(made_open(dir, &m, NULL));
    for (uint32_t r = 0; r < regions / FLUSH * FLUSH; r += 97) {
        struct made_page want = page_no(r);

        assert_int_equal(made_page(m, r, &got, NULL), 1);
        assert_true(unit_same(&got.unit, &want.unit));
    }
    for (uint32_t i = regions / FLUSH * FLUSH * REGION_UNITS; i < unit; i += 13)
        assert_finds(l, i, &a, 1);
    assert_ok(ledger_packs(l, tell, &told, NULL));
    assert_ok(made_packs(m, tell, &told, NULL));
    assert_true(told.n >= unit / PACK_UNITS);
    made_close(m);
    ledger_close(l);
    free(pages);
    unit_rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_what_was_added_without_asking),
        cmocka_unit_test(later_run_asks_once_a_pack),
        cmocka_unit_test(unit_of_a_lost_pack_is_not_known),
        cmocka_unit_test(a_write_that_failed_names_its_directory),
        cmocka_unit_test(torn_end_is_ignored),
        cmocka_unit_test(clear_forgets_all),
        cmocka_unit_test(what_is_released_is_forgotten_but_its_packs),
        cmocka_unit_test(a_noted_page_is_found_by_its_region),
        cmocka_unit_test(when_much_is_lost_no_page_is_believed),
        cmocka_unit_test(a_seed_keeps_its_place_in_bounded_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
