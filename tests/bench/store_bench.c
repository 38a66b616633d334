/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast a store takes and gives objects, and what that costs in processor time.
 *
 *   store_bench URL [MIB [COUNT [STREAMS]]]      16 MiB, 32 objects, 4 streams by default
 *
 * Objects are random bytes under "bench/", read back, compared, and removed. A line "started" once
 * the first object is stored, one a direction, and the number of attempts that were repeated.
 * The AWS_* environment says where s3:// is.
 */
#include "base/auto.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/err.h"
#include "base/num.h"
#include "base/text.h"
#include "base/worker.h"
#include "transport/store.h"

#include <stdio.h>
#include <sys/resource.h>

#include "base/banned.h"

enum { STREAMS_MAX = 64, KEY_MAX = 64 };

struct bench {
    uint64_t size_bytes;
    uint64_t count;
    uint64_t streams;
    uint64_t run; /* in the names of the objects */
    struct store *handles[STREAMS_MAX];
    uint8_t *body; /* every object is this, but for its first eight bytes */
    atomic_uint_fast64_t next;
    atomic_bool started;
};

static void name_of(const struct bench *b, uint64_t i, char *out)
{
    text_print(out, KEY_MAX, "bench/%016llx/%llu", (unsigned long long)b->run,
               (unsigned long long)i);
}

static int put_one(struct bench *b, struct store *s, uint8_t *body, uint64_t i, struct err *err)
{
    char key[KEY_MAX];
    uint8_t sha[CRYPTO_SHA256_LEN];
    int rc;

    name_of(b, i, key);
    memcpy(body, &i, sizeof(i));
    crypto_sha256(slice_of(body, b->size_bytes), sha);
    rc = store_put(s, key, slice_of(body, b->size_bytes), sha, STORE_PUT_CREATE_ONLY, err);
    if (rc == 0 && !atomic_exchange(&b->started, true))
        puts("started");
    return rc;
}

static int get_one(struct bench *b, struct store *s, uint64_t i, struct err *err)
{
    auto_buf struct buf out = {0};
    struct store_range whole = {.max_bytes = b->size_bytes};
    char key[KEY_MAX];
    int rc;

    name_of(b, i, key);
    rc = store_get(s, key, whole, &out, err);
    if (rc == 0 &&
        (out.len != b->size_bytes || memcmp(out.data, &i, sizeof(i)) != 0 ||
         memcmp(out.data + sizeof(i), b->body + sizeof(i), b->size_bytes - sizeof(i)) != 0))
        rc = err_set(err, -EBADMSG, "%s came back altered", key);
    return rc < 0 ? rc : store_delete(s, key, err);
}

static int put_all(void *arg, size_t index, struct err *err)
{
    struct bench *b = arg;
    auto_free uint8_t *body = malloc(b->size_bytes);
    uint64_t i;
    int rc = body ? 0 : -ENOMEM;

    if (body)
        memcpy(body, b->body, b->size_bytes);
    while (rc == 0 && (i = atomic_fetch_add(&b->next, 1)) < b->count)
        rc = put_one(b, b->handles[index], body, i, err);
    return rc;
}

static int get_all(void *arg, size_t index, struct err *err)
{
    struct bench *b = arg;
    uint64_t i;
    int rc = 0;

    while (rc == 0 && (i = atomic_fetch_add(&b->next, 1)) < b->count)
        rc = get_one(b, b->handles[index], i, err);
    return rc;
}

static double cpu_s(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static int measure(struct bench *b, const char *what, worker_fn fn, struct err *err)
{
    double gb = (double)(b->size_bytes * b->count) / 1e9;
    uint64_t start_ms = clock_mono_ms(&clock_system);
    double start_cpu = cpu_s();
    struct workers *w = NULL;
    double wall;
    int rc;

    atomic_store(&b->next, 0);
    rc = workers_start(b->streams, "bench", fn, b, &w, err);
    if (rc == 0)
        rc = workers_join(w, err);
    wall = (double)(clock_mono_ms(&clock_system) - start_ms) / 1000 + 1e-9;
    if (rc == 0)
        printf("%s: %llu x %llu bytes, %llu streams: %.2f s, %.0f MB/s, %.2f CPU-s/GB (client)\n",
               what, (unsigned long long)b->count, (unsigned long long)b->size_bytes,
               (unsigned long long)b->streams, wall, gb * 1000 / wall, (cpu_s() - start_cpu) / gb);
    return rc;
}

static int parse(struct bench *b, int argc, char **argv, struct err *err)
{
    uint64_t mib = 16;
    int rc = 0;

    b->count = 32;
    b->streams = 4;
    if (argc > 2)
        rc = num_parse_u64(argv[2], 1, STORE_BODY_MAX >> 20, &mib, err);
    if (rc == 0 && argc > 3)
        rc = num_parse_u64(argv[3], 1, 1 << 20, &b->count, err);
    if (rc == 0 && argc > 4)
        rc = num_parse_u64(argv[4], 1, STREAMS_MAX, &b->streams, err);
    b->size_bytes = mib << 20;
    return rc;
}

static int bench(struct bench *b, const char *url, struct err *err)
{
    struct store_conf conf = {
        .url = url, .path_style = -1, .streams = (unsigned)num_min(b->streams, STORE_STREAMS_MAX)};
    int rc = store_open(&conf, &b->handles[0], err);

    for (size_t i = 1; rc == 0 && i < b->streams; i++)
        rc = store_dup(b->handles[0], &b->handles[i], err);
    if (rc == 0)
        rc = measure(b, "put", put_all, err);
    if (rc == 0)
        rc = measure(b, "get", get_all, err);
    if (rc == 0) {
        struct store_counts c;

        store_counts(b->handles[0], &c);
        printf("retries: %llu\n", (unsigned long long)c.retry_n);
    }
    for (size_t i = 0; i < b->streams; i++)
        store_close(b->handles[i]);
    return rc;
}

int main(int argc, char **argv)
{
    struct bench b = {.run = rng_u64(&rng_system)};
    struct err err = {0};
    int rc;

    if (argc < 2 || argc > 5 || parse(&b, argc, argv, &err) < 0) {
        fprintf(stderr, "usage: store_bench URL [MIB [COUNT [STREAMS]]]\n");
        return 2;
    }
    setlinebuf(stdout);
    b.body = malloc(b.size_bytes);
    if (!b.body)
        return 1;
    rng_fill(&rng_system, b.body, b.size_bytes);
    rc = bench(&b, argv[1], &err);
    if (rc < 0)
        fprintf(stderr, "store_bench: %s\n", err.text);
    free(b.body);
    return rc < 0;
}
