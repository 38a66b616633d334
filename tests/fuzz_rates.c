/* SPDX-License-Identifier: Apache-2.0 */
/* Rates from outside: what is taken is within its bounds, and is the same once written. */
#include "tests/fuzz.h"

#include "base/js.h"
#include "planner/engine/cost_rates.h"

#include "base/banned.h"

static void fuzz_run(struct slice input)
{
    auto_js struct js *doc = NULL;
    auto_js struct js *again = NULL;
    struct cost_rates r, back;

    if (js_parse(input, 0, &doc, NULL) < 0 || cost_rates_read(doc, &r, NULL) < 0)
        return;
    if (cost_rate_count(&r, RATE_MONTHS) < 1 ||
        cost_rate_count(&r, RATE_MONTHS) > COST_MONTHS_MAX ||
        r.value[RATE_SERVER_LIFE].micros <= 0 || r.value[RATE_OVERCOMMIT].micros <= 0 ||
        r.value[RATE_IDC_HOSTS_PER_ADMIN].micros <= 0)
        abort();
    if (cost_rates_write(&r, &again, NULL) < 0 || cost_rates_read(again, &back, NULL) < 0)
        abort();
    for (size_t i = 0; i < COST_RATES; i++) {
        if (r.value[i].micros != back.value[i].micros)
            abort();
    }
    if (r.exchange != back.exchange || r.scenarios_n != back.scenarios_n)
        abort();
}

#ifndef GODWIT_LIBFUZZER
int main(int argc, char **argv)
{
    return fuzz_main("fuzz_rates", argc, argv);
}
#endif
