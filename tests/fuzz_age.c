/* SPDX-License-Identifier: Apache-2.0 */
/* Files of age, recipients and identities as text. */
#include "tests/fuzz.h"

#include "transport/age.h"

#include "base/banned.h"

#define IDENTITY "AGE-SECRET-KEY-14EW9ZGK8JNSD2076Z9JJRAL5Z65E8KAA6JRK4MF8GVGVX3U9MC7SE7WL9M"

/* A header of X25519 alone has one form. */
static void try_header(struct slice input)
{
    auto_buf struct buf again = {0};
    struct age_header h;

    if (age_header_parse(input, &h, NULL) != 0)
        return;
    if (h.len > input.len || h.mac_of >= h.len || h.x25519_n > h.stanzas_n)
        abort();
    age_header_format(h.x25519, h.x25519_n, &again);
    if (h.x25519_n == h.stanzas_n &&
        (again.len != h.mac_of || memcmp(again.data, input.data, again.len) != 0))
        abort();
}

static void fuzz_run(struct slice input)
{
    struct age_keys keys = {0}, id = {0};
    auto_buf struct buf copy = {0};
    auto_buf struct buf plain = {0};
    const char *text;

    try_header(input);
    if (age_add_identities(&id, IDENTITY, NULL) != 0)
        abort();
    if (age_open(&id, input, &plain, NULL) != 0 && plain.len != 0)
        abort();
    buf_append(&copy, input.data, input.len);
    text = buf_cstr(&copy);
    if (!text)
        return;
    age_add_recipient(&keys, text, NULL);
    age_add_identities(&keys, text, NULL);
}

#ifndef GODWIT_LIBFUZZER
int main(int argc, char **argv)
{
    return fuzz_main("fuzz_age", argc, argv);
}
#endif
