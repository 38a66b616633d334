/* SPDX-License-Identifier: Apache-2.0 */
/* Vault keys as text, the vault object, names of replicas. */
#include "tests/fuzz.h"

#include "transport/vault.h"
#include "transport/vault_object.h"

#include "tests/vault_fixture.h"

#include "base/banned.h"

/* An accepted object must be the one that its own keys would give. */
static void try_object(struct slice input, const uint8_t *key)
{
    auto_buf struct buf again = {0};
    struct seal_keys keys;

    if (vault_object_open(input, key, &keys, NULL) != 0)
        return;
    if (vault_object_format(&keys, &again, NULL) != 0 || again.len != input.len ||
        memcmp(again.data, input.data, input.len) != 0)
        abort();
}

static void fuzz_run(struct slice input)
{
    auto_buf struct buf copy = {0};
    const char *text;
    uint8_t key[32];

    buf_append(&copy, input.data, input.len);
    text = buf_cstr(&copy);
    if (!text)
        return;
    vault_key_parse(text, key, NULL);
    vault_is_replica_name(text);
    try_object(input, fixture_key);
    try_object(input, NULL);
}

#ifndef GODWIT_LIBFUZZER
int main(int argc, char **argv)
{
    return fuzz_main("fuzz_key", argc, argv);
}
#endif
