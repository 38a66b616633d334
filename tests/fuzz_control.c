/* SPDX-License-Identifier: Apache-2.0 */
/* Control records, as they come from a store and with a MAC that fits whatever they say. */
#include "tests/fuzz.h"

#include "transport/control.h"

#include "tests/vault_fixture.h"

#include "base/banned.h"

static const char decision_key[] = "decisions/shop/0000000000000001";
static const char epoch_key[] = "epochs/shop/0000000000000001";

static void try_both(struct vault *v)
{
    struct control_verdict got = {.decision = CONTROL_NONE};

    if (control_read(v, "shop", 1, &got, NULL) == 0 &&
        (got.epoch != 1 || got.volumes_n > CONTROL_VOLUMES_MAX || got.decision == CONTROL_NONE))
        abort();
    control_claim(v, "shop", 1, "op-1", NULL);
}

static void fuzz_run(struct slice input)
{
    static struct vault *v; /* one for the life of the process */

    if (!v)
        v = fixture_vault("mem:fuzz", fixture_key);
    fixture_put(v, decision_key, input);
    fixture_put(v, epoch_key, input);
    try_both(v);
    fixture_put_record(v, decision_key, input);
    fixture_put_record(v, epoch_key, input);
    try_both(v);
}

#ifndef GODWIT_LIBFUZZER
int main(int argc, char **argv)
{
    return fuzz_main("fuzz_control", argc, argv);
}
#endif
