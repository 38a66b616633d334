/* SPDX-License-Identifier: Apache-2.0 */
/* Replies of an S3 service: pages of listings and error documents. */
#include "tests/fuzz.h"

#include "base/gw.h"
#include "transport/s3_list.h"

#include "base/banned.h"

/* What is told must be a key, in order, below the prefix. */
static int told(void *arg, const char *key, uint64_t size_bytes, uint64_t mtime_ms)
{
    char *last = arg;

    (void)mtime_ms;
    if (!store_is_key(key) || strcmp(key, last) <= 0 || size_bytes > INT64_MAX)
        abort();
    memcpy(last, key, strlen(key) + 1);
    return 0;
}

static void try_page(struct s3_call *c, struct slice input)
{
    char last[STORE_KEY_MAX + 1] = "";
    struct s3_list w = {.call = c, .prefix = "", .fn = told, .arg = last};
    struct err err = {0};

    /* Twice: the second page of a walk must go on where the first ended. */
    s3_list_page(&w, input, &err);
    s3_list_page(&w, input, &err);
}

static void try_error(struct s3_call *c, struct slice input)
{
    static const long statuses[] = {301, 400, 403, 404, 409, 412, 503};
    struct s3_request req = {.method = "PUT", .key = "k"};
    char region[S3_CRED_REGION_MAX + 1];

    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        auto_reply struct http_reply reply = {.status = statuses[i]};
        struct err err = {0};

        buf_append(&reply.body, input.data, input.len);
        if (s3_fail(c, &req, &reply, &err) >= 0 || err.text[0] == '\0' ||
            (err.gw != 0 && !gw_find(err.gw)))
            abort();
        for (const char *p = err.text; *p != '\0'; p++)
            if ((uint8_t)*p < ' ')
                abort();
        s3_fail_region(&reply, region, sizeof(region));
        if (strpbrk(region, "./:@ "))
            abort();
    }
}

static void fuzz_run(struct slice input)
{
    static const struct s3_call sample = {.bucket = "bucket", .prefix = "pre/"};
    struct s3_call c = sample;

    try_page(&c, input);
    try_error(&c, input);
}

#ifndef GODWIT_LIBFUZZER
int main(int argc, char **argv)
{
    return fuzz_main("fuzz_s3_reply", argc, argv);
}
#endif
