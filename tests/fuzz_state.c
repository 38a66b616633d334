/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of a state directory, as a crash, a bad disk or a restored backup may leave them: the first
 * byte of the input says which. Sums that only say "whole" are made to fit, or no mutation would
 * get past them.
 */
#include "tests/fuzz.h"
#include "tests/unit.h"

#include "base/crypto.h"
#include "base/text.h"
#include "transport/gather.h"
#include "transport/ledger.h"
#include "transport/made.h"
#include "transport/page.h"
#include "transport/state.h"
#include "transport/table.h"

#include "base/banned.h"

enum { VOLUME_BYTES = 300000, LEAVES_BYTES = DIGEST_REGION_LEAVES * DIGEST_LEN };
enum { TABLE_SUM_AT = 84, TABLE_DIGEST_AT = 52, NEXT_SUM_AT = 56, NEXT_DIGEST_AT = 24 };
enum { PAGE_SLOT = 128, PAGE_SUM_AT = 114, PAGE_SUM_LEN = 8 };
enum { RECORD_LEN = 114, TAGS_N = DIGEST_REGION_LEAVES * TAGS_A_BLOCK };

static const uint8_t id[VAULT_ID_LEN];
static const char *const names[] = {"state.json", "table",  "table.next",
                                    "ledger",     "gather", "pages"};
static char *dir;

static void leave(void)
{
    unit_rmdir(dir);
}

/* Only this file is there. */
static void place(size_t which, struct slice body)
{
    char path[PATH_MAX];

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        unlink(unit_path(dir, names[i], path));
    if (fd_save(unit_path(dir, names[which], path), body, 0600, NULL) != 0)
        abort();
}

static void place_summed(size_t which, struct slice body, size_t sum_at)
{
    auto_buf struct buf copy = {0};

    buf_append(&copy, body.data, body.len);
    if (copy.len >= sum_at + CRYPTO_SHA256_LEN)
        crypto_sha256(slice_of(copy.data, sum_at), copy.data + sum_at);
    place(which, buf_slice(&copy));
}

static void try_state(struct slice body)
{
    auto_state struct state *s = NULL;

    place(0, body);
    if (state_open(dir, id, "x", &s, NULL) != 0)
        return;
    if (!text_equal(s->replica, "x") || state_save(s, NULL) != 0)
        abort();
    state_close(TAKE(s));
    if (state_open(dir, id, "x", &s, NULL) != 0)
        abort();
}

/* What is believed of a table must be what its digest says, whatever stands in the file. */
static void try_table(const uint8_t *expect)
{
    static uint8_t leaves[LEAVES_BYTES];
    static uint64_t tags[TAGS_N];
    auto_table struct table *t = NULL;
    uint8_t root[DIGEST_LEN];
    uint8_t digest[DIGEST_LEN];
    bool known = false;

    if (table_open(dir, VOLUME_BYTES, expect, &rng_system, &t, NULL) != 0 || !table_known(t))
        return;
    if (table_read(t, 0, leaves, &known, NULL) != 0)
        abort();
    if (!known)
        return;
    digest_tree(leaves, digest_region_leaves(VOLUME_BYTES, 0), root);
    digest_volume(VOLUME_BYTES, root, digest);
    if (memcmp(digest, expect, sizeof(digest)) != 0)
        abort();
    table_read_tags(t, 0, tags, &known, NULL);
}

static void try_ledger(struct slice body)
{
    auto_ledger struct ledger *l = NULL;

    place(3, body);
    if (ledger_open(dir, &l, NULL) == 0 && ledger_count(l) > body.len / RECORD_LEN)
        abort();
}

/* Whatever it says, groups lie among runs, and runs inside regions of the volume. */
static void try_gather(struct slice body)
{
    struct gather_run *runs = NULL;
    struct gather g = {0};
    int64_t credit = 0;
    size_t n = 0;

    place_summed(4, body, body.len - CRYPTO_SHA256_LEN);
    if (gather_load(dir, VOLUME_BYTES, &g, &credit, NULL) != 0)
        abort();
    for (size_t i = 0; i < g.runs_n; i++)
        if (g.runs[i].region != 0 || g.runs[i].count == 0 ||
            g.runs[i].first + g.runs[i].count > PAGE_SECTORS_MAX)
            abort();
    if (gather_choose(&g, credit < 0 ? 0 : (uint64_t)credit, &runs, &n, NULL) != 0 || n > g.runs_n)
        abort();
    free(runs);
    gather_done(&g);
}

static void try_pages(struct slice body)
{
    uint8_t slots[4 * PAGE_SLOT] = {0};
    uint8_t sum[CRYPTO_SHA256_LEN];
    struct made *m = NULL;
    struct made_page page;

    memcpy(slots, body.data, body.len < sizeof(slots) ? body.len : sizeof(slots));
    crypto_sha256(slice_of(slots, PAGE_SUM_AT), sum);
    memcpy(slots + PAGE_SUM_AT, sum, PAGE_SUM_LEN);
    place(5, slice_of(slots, sizeof(slots)));
    if (made_open(dir, &m, NULL) != 0)
        abort();
    for (uint32_t region = 0; region < 5; region++)
        if (made_page(m, region, &page, NULL) == 1 &&
            (page.region != region || unit_check(&page.unit, NULL) != 0))
            abort();
    made_close(m);
}

static void fuzz_run(struct slice input)
{
    struct slice body = slice_of(input.data + 1, input.len - 1);

    if (!dir) {
        dir = unit_mkdir_memory();
        atexit(leave);
    }
    if (input.len < 2)
        return;
    if (input.data[0] == '0')
        try_state(body);
    if (input.data[0] == '1' && body.len >= TABLE_SUM_AT) {
        place_summed(1, body, TABLE_SUM_AT);
        try_table(body.data + TABLE_DIGEST_AT);
    }
    if (input.data[0] == '2' && body.len >= NEXT_SUM_AT) {
        place_summed(2, body, NEXT_SUM_AT);
        try_table(body.data + NEXT_DIGEST_AT);
    }
    if (input.data[0] == '3')
        try_ledger(body);
    if (input.data[0] == '4' && body.len >= CRYPTO_SHA256_LEN)
        try_gather(body);
    if (input.data[0] == '5')
        try_pages(body);
}

#ifndef GODWIT_LIBFUZZER
int main(int argc, char **argv)
{
    return fuzz_main("fuzz_state", argc, argv);
}
#endif
