/* SPDX-License-Identifier: Apache-2.0 */
/* What people and files write: numbers with units, times, hex, lists, flags, texts to be shown. */
#include "tests/fuzz.h"

#include "base/num.h"
#include "base/opt.h"
#include "base/text.h"

#include <inttypes.h>

#include "base/banned.h"

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static void try_numbers(const char *text)
{
    char again[NUM_TEXT_MAX];
    uint64_t v;
    int64_t i;
    double d;

    if (num_parse_u64(text, 0, UINT64_MAX, &v, NULL) == 0) {
        snprintf(again, sizeof(again), "%" PRIu64, v);
        demand(text_ends(text, again));
    }
    if (num_parse_i64(text, INT64_MIN, INT64_MAX, &i, NULL) == 0 && i != 0) {
        snprintf(again, sizeof(again), "%" PRId64, i);
        demand(text_ends(text, again + (i < 0)) && (text[0] == '-') == (i < 0));
    }
    num_parse_f64(text, &d, NULL);
    if (num_parse_bytes(text, &v, NULL) == 0)
        demand(num_parse_rate(text, &v, NULL) == 0);
    if (num_parse_duration(text, &v, NULL) == 0)
        demand(num_format_duration(v, again)[0] != '\0');
    num_parse_rate(text, &v, NULL);
}

static void try_time(const char *text)
{
    char shown[TEXT_TIME_MAX];
    uint64_t again;
    uint64_t v;

    if (text_parse_time(text, &v, NULL) != 0)
        return;
    /* Only the last year of RFC 3339 with an offset can be shown no more. */
    demand(text_parse_time(text_time(v, shown), &again, NULL) == 0);
    demand(again == v || v > UINT64_C(253402300799999));
}

/* Same length, nothing that a terminal would act on, and nothing more to do a second time. */
static void try_sanitize(const char *text)
{
    auto_free char *once = strdup(text);
    auto_free char *twice = NULL;

    demand(once != NULL);
    text_sanitize(once);
    demand(strlen(once) == strlen(text));
    for (const char *p = once; *p; p++)
        demand((uint8_t)*p >= 0x20 && *p != 0x7f);
    twice = strdup(once);
    demand(twice != NULL);
    text_sanitize(twice);
    demand(text_equal(once, twice));
}

static void try_hex(const char *text)
{
    uint8_t bytes[16];
    char again[33];

    if (text_unhex(text, bytes, sizeof(bytes)) == 0)
        demand(strcasecmp(text_hex(bytes, sizeof(bytes), again), text) == 0);
}

static void try_flags(char *const *words)
{
    static const struct opt rows[] = {
        {.name = "dry-run", .letter = 'n', .type = OPT_SWITCH},
        {.name = "output", .letter = 'o', .type = OPT_CHOICE, .choices = "table|json"},
        {.name = "limit", .type = OPT_RATE, .min = 1},
        {.name = "watch", .letter = 'w', .type = OPT_OPTIONAL, .dflt = "5s"},
        {.name = "name", .type = OPT_TEXT},
    };
    struct opt_set *set;
    size_t n = text_vec_len(words);

    if (n == 0 || opt_parse(rows, ARRAY_LEN(rows), (int)n, words, &set, NULL) != 0)
        return;
    demand(opt_args(set) < n && !opt_arg(set, opt_args(set)));
    demand(!opt_given(set, "limit") || opt_u64(set, "limit") >= 1);
    demand(!opt_given(set, "name") || opt_text(set, "name"));
    opt_free(set);
}

static void try_words(const char *text)
{
    auto_vec char **words = NULL;

    demand(text_split(text, " \n", &words, NULL) == 0);
    try_flags(words);
    for (size_t i = 0; i < 8 && words[i]; i++) {
        demand(words[i][0] && !strpbrk(words[i], " \n"));
        try_numbers(words[i]);
        try_time(words[i]);
        try_hex(words[i]);
        text_is_name(words[i]);
        if (i)
            demand(text_distance(words[i], words[i - 1]) == text_distance(words[i - 1], words[i]));
    }
}

static void fuzz_run(struct slice input)
{
    auto_buf struct buf copy = {0};
    const char *text;

    buf_append(&copy, input.data, input.len);
    text = buf_cstr(&copy);
    demand(text != NULL);
    try_words(text);
    try_time(text);
    try_sanitize(text);
}

#ifndef GODWIT_LIBFUZZER
int main(int argc, char **argv)
{
    return fuzz_main("fuzz_text", argc, argv);
}
#endif
