/* SPDX-License-Identifier: Apache-2.0 */
/* Lists from outside through every importer; what is taken must be a document that comes back. */
#include "tests/fuzz.h"

#include "base/js.h"
#include "planner/engine/estate.h"
#include "planner/engine/estate_doc.h"
#include "planner/engine/import.h"

#include <assert.h>

#include "base/banned.h"

static void check_refusal(void *ctx, const struct import_refusal *r)
{
    (void)ctx;
    assert(r->file && r->column && r->value && *r->why);
}

static void check_document(struct estate *e)
{
    auto_estate struct estate *again = NULL;
    auto_buf struct buf first = {0}, second = {0};
    auto_js struct js *doc = NULL;

    if (estate_settle(e, NULL) < 0 || estate_write(e, &first, NULL) < 0)
        return;
    assert(js_parse(buf_slice(&first), 0, &doc, NULL) == 0);
    assert(estate_new(&again, NULL) == 0);
    assert(estate_read(doc, again, NULL) == 0);
    assert(estate_settle(again, NULL) == 0);
    assert(estate_write(again, &second, NULL) == 0);
    assert(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
}

static void fuzz_run(struct slice input)
{
    struct import_spec spec = {.refused = check_refusal};
    auto_estate struct estate *e = NULL;
    struct import_count count = {0};

    assert(estate_new(&e, NULL) == 0);
    /* After a failure a part may be there, which nobody uses. */
    if (import_file(&spec, "input", input, e, &count, NULL) < 0)
        return;
    assert(count.format);
    check_document(e);
}

#ifndef GODWIT_LIBFUZZER
int main(int argc, char **argv)
{
    return fuzz_main("fuzz_import", argc, argv);
}
#endif
