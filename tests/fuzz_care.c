/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The care log as someone with the vault key could have written it: each line of the input is the
 * body of the next record. And the log must be the same when it is read in two goes.
 */
#include "tests/fuzz.h"

#include "base/text.h"
#include "transport/care_log.h"

#include "tests/vault_fixture.h"

#include "base/banned.h"

enum { RECORDS_MAX = 12 };

static char *key_of(size_t number, char *out)
{
    text_print(out, 32, "care/%016zx", number);
    return out;
}

/* Returns how many there are. */
static size_t put_records(struct vault *v, struct slice input)
{
    size_t n = 0;
    char key[32];

    while (n < RECORDS_MAX && input.len > 0) {
        const uint8_t *end = memchr(input.data, '\n', input.len);
        size_t len = end ? (size_t)(end - input.data) : input.len;

        fixture_put_record(v, key_of(++n, key), slice_of(input.data, len));
        len += end != NULL;
        input = slice_of(input.data + len, input.len - len);
    }
    return n;
}

static void check(const struct care_log *l)
{
    for (size_t i = 0; i < l->lists_n; i++)
        for (size_t k = 0; k < l->lists[i].n; k++)
            if (care_log_find(&l->lists[i], l->lists[i].packs[k]) != (ptrdiff_t)k ||
                (l->lists[i].swept && l->lists[i].kept[k]))
                abort();
    for (size_t i = 0; i < l->spans_n; i++)
        if (!care_log_gave_up(l, l->spans[i].replica, l->spans[i].to))
            abort();
    for (size_t i = 0; i < l->replicas_n; i++)
        if (!care_log_has_replica(l, l->replicas[i]))
            abort();
}

static void fuzz_run(struct slice input)
{
    static struct vault *v; /* one for the life of the process */
    auto_care_log struct care_log *log = NULL, *later = NULL;
    char key[32];
    size_t n;

    if (!v)
        v = fixture_vault("mem:fuzz", fixture_key);
    n = put_records(v, input);
    if (care_log_open(v, 0, &log, NULL) != 0 || care_log_open(v, n / 2, &later, NULL) != 0)
        abort();
    care_log_read(log, NULL);
    check(log);
    care_log_read(later, NULL);
    check(later);
    for (; n > 0; n--)
        if (store_delete(vault_store(v), key_of(n, key), NULL) != 0)
            abort();
}

#ifndef GODWIT_LIBFUZZER
int main(int argc, char **argv)
{
    return fuzz_main("fuzz_care", argc, argv);
}
#endif
