/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hosts whose files are damaged at random, and documents damaged on their way. Whatever a host
 * shows, its document must be one that our own parser takes; whatever a document says, parsing it
 * must end. GODWIT_FUZZ_ROUNDS and GODWIT_FUZZ_SEED choose more, or others.
 */
#include "tests/unit.h"

#include "tests/fixture.h"

#include "inventory/inventory.h"
#include "inventory/probe.h"
#include "inventory/sample.h"
#include "inventory/utilisation.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/text.h"

#include "base/banned.h"

enum { ROUNDS_DEFAULT = 150, FILES_MAX = 4096, FILE_MAX_BYTES = 1 << 20, HURTS_PER_ROUND = 8 };

/* nftw hands its callback nothing of ours. */
static char *files[FILES_MAX];
static size_t n_files;

static uint64_t seed;

static uint64_t next_u64(void)
{
    uint64_t z = seed += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static size_t below(size_t n)
{
    return (size_t)(next_u64() % n);
}

static uint64_t setting(const char *name, uint64_t dflt)
{
    const char *text = getenv(name);
    uint64_t v = dflt;

    if (text)
        assert_ok(num_parse_u64(text, 0, UINT64_MAX, &v, NULL));
    return v;
}

static int remember(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)ftw;
    if (kind == FTW_F && n_files < FILES_MAX)
        files[n_files++] = strdup(path);
    return 0;
}

/* What tends to break readers. */
static struct slice nasty(void)
{
    static const char *const texts[] = {
        "-1",
        "18446744073709551615",
        "18446744073709551616",
        "0",
        "99999999999999999999999",
        "(",
        ")",
        ") (",
        ":",
        "=",
        "\n\n\n",
        "\x1b[2J",
        "\xff\xfe",
        "\\",
        "\\040\\777",
        "/",
        "../../..",
        " - ",
        "{",
        "\"",
    };

    return slice_str(texts[below(ARRAY_LEN(texts))]);
}

static void replace(struct buf *b, size_t from, size_t len, struct slice with)
{
    auto_buf struct buf out = {0};

    buf_append(&out, b->data, from);
    buf_append(&out, with.data, with.len);
    buf_append(&out, b->data + from + len, b->len - from - len);
    assert_ok(buf_failed(&out, NULL));
    buf_clear(b);
    buf_append(b, out.data, out.len);
}

/* One change: a bit, a cut, a piece taken out, doubled, or replaced by something nasty. */
static void hurt(struct buf *b)
{
    size_t from = b->len ? below(b->len) : 0;
    size_t len = b->len > from ? below(b->len - from < 16 ? b->len - from + 1 : 16) : 0;

    switch (below(6)) {
    case 0:
        if (b->len)
            b->data[from] ^= (uint8_t)(1 << below(8));
        return;
    case 1:
        b->len = from;
        return;
    case 2:
        replace(b, from, len, slice_of(NULL, 0));
        return;
    case 3:
        replace(b, from, 0, slice_of(b->data + from, len));
        return;
    case 4:
        replace(b, from, 0, slice_of("\0", 1));
        return;
    default:
        replace(b, from, len, nasty());
        return;
    }
}

static void hurt_file(const char *path)
{
    auto_buf struct buf b = {0};

    if (fd_load(path, FILE_MAX_BYTES, &b, NULL) < 0)
        return;
    for (size_t i = below(HURTS_PER_ROUND) + 1; i > 0; i--)
        hurt(&b);
    if (below(20) == 0) {
        unlink(path);
        return;
    }
    assert_ok(fd_save(path, buf_slice(&b), 0644, NULL));
}

/* Collected, and taken by the parser. */
static void collect(const char *dir, const struct clock *clock, struct buf *text)
{
    auto_probe struct probe *p = NULL;
    auto_inventory struct inventory *inv = NULL;
    struct err err = {0};
    int rc = 0;

    assert_ok(probe_fixture_new(dir, &p, NULL));
    assert_ok(inventory_collect(p, clock, text, NULL));
    rc = inventory_parse(buf_slice(text), &inv, &err);
    /* Only a host that does not even tell its name has no document to be used. */
    if (rc < 0 && !strstr(err.text, "host.name"))
        fail_msg("%s\n%s", err.text, buf_cstr(text));
}

static void sample(const char *dir, struct sample_set *set, struct fixture_time *t,
                   struct sample *samples, size_t *n)
{
    struct clock clock = fixture_clock(t);
    auto_probe struct probe *p = NULL;

    assert_ok(probe_fixture_new(dir, &p, NULL));
    t->mono_ms += 10000;
    t->wall_ms += 10000;
    if (*n < UTILISATION_SAMPLES_MAX && sample_take(set, p, &clock, &samples[*n], NULL) == 0)
        (*n)++;
}

static void report(const struct sample *samples, size_t n)
{
    auto_utilisation struct utilisation *u = NULL;
    auto_buf struct buf text = {0};
    struct err err = {0};

    if (n == 0)
        return;
    assert_ok(utilisation_write(samples, n, 1, &text, NULL));
    if (utilisation_parse(buf_slice(&text), &u, &err) < 0)
        fail_msg("%s\n%s", err.text, buf_cstr(&text));
}

static void damage_host(const char *name)
{
    auto_free struct sample *samples = calloc(UTILISATION_SAMPLES_MAX, sizeof(*samples));
    auto_sample struct sample_set *set = NULL;
    struct fixture_time t = {.wall_ms = 1763800000000, .mono_ms = 1};
    struct clock clock = fixture_clock(&t);
    char *dir = fixture_unpack(name);
    size_t n = 0;

    n_files = 0;
    assert_int_equal(nftw(dir, remember, 16, FTW_PHYS), 0);
    assert_true(n_files > 20);
    assert_ok(sample_new(&set, NULL));
    for (uint64_t i = setting("GODWIT_FUZZ_ROUNDS", ROUNDS_DEFAULT); i > 0; i--) {
        auto_buf struct buf text = {0};

        hurt_file(files[below(n_files)]);
        collect(dir, &clock, &text);
        sample(dir, set, &t, samples, &n);
    }
    report(samples, n);
    while (n_files > 0)
        free(files[--n_files]);
    unit_rmdir(dir);
}

static void damaged_hosts_still_have_a_document(void **state)
{
    (void)state;
    seed = setting("GODWIT_FUZZ_SEED", 1);
    damage_host("rhel79-db");
    damage_host("deb12-web");
    damage_host("el6-legacy");
}

static void damaged_documents_are_read_to_an_end(void **state)
{
    auto_buf struct buf good = {0};
    struct fixture_time t = {.wall_ms = 1763800000000, .mono_ms = 1};
    struct clock clock = fixture_clock(&t);
    char *dir = fixture_unpack("rhel79-db");

    (void)state;
    seed = setting("GODWIT_FUZZ_SEED", 2);
    collect(dir, &clock, &good);
    unit_rmdir(dir);
    for (uint64_t i = 20 * setting("GODWIT_FUZZ_ROUNDS", ROUNDS_DEFAULT); i > 0; i--) {
        auto_inventory struct inventory *inv = NULL;
        auto_utilisation struct utilisation *u = NULL;
        auto_buf struct buf bad = {0};

        buf_append(&bad, good.data, good.len);
        hurt(&bad);
        if (below(2))
            hurt(&bad);
        (void)inventory_parse(buf_slice(&bad), &inv, NULL);
        (void)utilisation_parse(buf_slice(&bad), &u, NULL);
        assert_null(u); /* of another schema, whatever was hurt */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_hosts_still_have_a_document),
        cmocka_unit_test(damaged_documents_are_read_to_an_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
