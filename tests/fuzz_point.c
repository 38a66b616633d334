/* SPDX-License-Identifier: Apache-2.0 */
/* Restore points as objects, and their bodies, which the harness seals itself. */
#include "tests/fuzz.h"

#include "transport/point.h"

#include "tests/vault_fixture.h"

#include "base/banned.h"

static const uint8_t salt[SEAL_SALT_LEN];

static void try_object(struct vault *v, struct slice object)
{
    auto_point struct point p = {0};

    if (point_decode(v, "r", 1, object, &p, NULL) != 0)
        return;
    if (p.info.seq != 1 || p.dirs_n != point_dirs_of(p.info.size_bytes))
        abort();
    for (size_t i = 0; i < p.dirs_n; i++)
        if (!p.dirs[i].zero && unit_check(&p.dirs[i].unit, NULL) != 0)
            abort();
}

static void try_body(struct vault *v, uint8_t format, struct slice body)
{
    char key[POINT_KEY_MAX];
    struct seal_segment seg = {.last = true,
                               .raw_len = (uint32_t)body.len,
                               .context = slice_str(point_key("r", 1, key)),
                               .format = format};
    auto_buf struct buf object = {0};
    uint8_t *at;

    buf_str(&object, "GODWITPT");
    buf_u16le(&object, format);
    buf_u16le(&object, 1);
    buf_u32le(&object, seg.raw_len);
    buf_append(&object, salt, sizeof(salt));
    if (buf_reserve(&object, body.len + SEAL_TAG_LEN, &at) != 0 ||
        seal_rekey(vault_seal(v), SEAL_POINT, salt, NULL) != 0 ||
        seal_shut(vault_seal(v), &seg, body, at, NULL) != 0)
        abort();
    buf_grow(&object, body.len + SEAL_TAG_LEN);
    try_object(v, buf_slice(&object));
}

static void fuzz_run(struct slice input)
{
    static struct vault *v; /* one for the life of the process */

    if (!v)
        v = fixture_vault("mem:fuzz", fixture_key);
    try_object(v, input);
    try_body(v, 1, input);
    try_body(v, 2, input);
}

#ifndef GODWIT_LIBFUZZER
int main(int argc, char **argv)
{
    return fuzz_main("fuzz_point", argc, argv);
}
#endif
