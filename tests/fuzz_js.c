/* SPDX-License-Identifier: Apache-2.0 */
/* JSON from outside: what is accepted prints, and its print is accepted and prints the same. */
#include "tests/fuzz.h"

#include "base/js.h"

#include "base/banned.h"

enum { FUZZ_JS_MAX = 1 << 15 };

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static int count_member(void *arg, const char *key, const struct js *value)
{
    size_t *n = arg;

    demand(key != NULL);
    *n += 1 + js_len(value);
    return *n > 1000;
}

/* Every getter on every kind must answer, whatever stands there. */
static void try_getters(const struct js *doc)
{
    const char *text;
    uint64_t u;
    int64_t i;
    double d;
    size_t n = 0;

    js_check_schema(doc, "godwit.fuzz/1", NULL);
    js_get_str(doc, "s", &text, NULL);
    js_get_u64(doc, "n", &u, NULL);
    js_get_i64(doc, "n", &i, NULL);
    js_get_f64(doc, "n", &d, NULL);
    js_u64(doc, "s", 0);
    js_each(doc, count_member, &n);
    for (size_t at = 0; at <= js_len(doc) && at < 100; at++)
        js_as_u64(js_at(doc, at), 0);
}

static void try_again(const struct js *doc)
{
    auto_buf struct buf once = {0};
    auto_buf struct buf twice = {0};
    auto_js struct js *again = NULL;

    demand(js_print(doc, true, false, &once, NULL) == 0);
    demand(js_parse(buf_slice(&once), BUF_MAX_DEFAULT, &again, NULL) == 0);
    demand(js_print(again, true, false, &twice, NULL) == 0);
    demand(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
}

static void fuzz_run(struct slice input)
{
    auto_js struct js *doc = NULL;
    struct err err = {0};

    if (js_parse(input, FUZZ_JS_MAX, &doc, &err) != 0) {
        demand(!doc && err.text[0]);
        return;
    }
    try_getters(doc);
    try_again(doc);
}

#ifndef GODWIT_LIBFUZZER
int main(int argc, char **argv)
{
    return fuzz_main("fuzz_js", argc, argv);
}
#endif
