/* SPDX-License-Identifier: Apache-2.0 */
/* The table of collectors, and what they share: hashed names and one-line facts. */
#include "inventory/collect.h"

#include "inventory/line.h"
#include "inventory/probe.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/jsw.h"
#include "base/text.h"

#include <strings.h>

#include "base/banned.h"

static const struct collector collectors[] = {
    {.name = "host", .collect = collect_host},
    {.name = "cpu", .collect = collect_cpu},
    {.name = "memory", .collect = collect_memory},
    {.name = "block", .collect = collect_block},
    {.name = "mounts", .collect = collect_mounts},
    {.name = "network", .collect = collect_net},
    {.name = "processes", .collect = collect_process},
    {.name = "sockets", .collect = collect_socket},
};

const struct collector *collect_rows(size_t *ret_n)
{
    *ret_n = ARRAY_LEN(collectors);
    return collectors;
}

char *collect_hash(const char *kind, const char *value, char out[static COLLECT_HASH_TEXT_MAX])
{
    uint8_t digest[CRYPTO_SHA256_LEN];
    auto_buf struct buf b = {0};

    out[0] = '\0';
    if (buf_printf(&b, "godwit %s\n%s", kind, value) < 0)
        return out;
    crypto_sha256(buf_slice(&b), digest);
    return text_hex(digest, (COLLECT_HASH_TEXT_MAX - 1) / 2, out);
}

void collect_put_str(struct jsw *w, const char *key, const char *v)
{
    if (v[0])
        jsw_str(w, key, v);
}

void collect_put_slice(struct jsw *w, const char *key, struct slice s)
{
    char text[PROBE_TEXT_MAX];

    collect_put_str(w, key, line_copy(text, sizeof(text), s));
}

void collect_put_text(struct probe *p, struct jsw *w, const char *key, const char *path)
{
    char text[PROBE_TEXT_MAX] = "";

    if (probe_text(p, text, sizeof(text), "%s", path) == 0)
        collect_put_str(w, key, text);
}

void collect_put_u64(struct probe *p, struct jsw *w, const char *key, const char *path)
{
    uint64_t v = 0;

    if (probe_u64(p, &v, "%s", path) == 0 && v <= INT64_MAX)
        jsw_u64(w, key, v);
}

/* What vendors write where a serial number should be; equal fillers must not look like one thing.
 */
static bool is_filler(const char *text)
{
    static const char *const fillers[] = {
        "",
        "none",
        "not specified",
        "to be filled by o.e.m.",
        "default string",
        "0",
        "system serial number",
        "n/a",
        "unknown",
        "not applicable",
    };

    for (size_t i = 0; i < ARRAY_LEN(fillers); i++) {
        if (strcasecmp(text, fillers[i]) == 0)
            return true;
    }
    return false;
}

void collect_put_hash(struct probe *p, struct jsw *w, const char *key, const char *path)
{
    char text[PROBE_TEXT_MAX] = "";
    char hash[COLLECT_HASH_TEXT_MAX];

    if (probe_text(p, text, sizeof(text), "%s", path) == 0 && !is_filler(text))
        jsw_str(w, key, collect_hash(key, text, hash));
}
