/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The main of a fuzz target: fuzz_run (the target) over files, or over seeds and their mutations.
 *
 *   fuzz_x FILE...      each file once: for a crash that was found
 *   fuzz_x              every seed of tests/data/fuzz_x/, then GODWIT_FUZZ_RUNS mutations of them
 *                       (10,000 by default), the same ones every time
 *
 * With -DGODWIT_LIBFUZZER and clang -fsanitize=fuzzer the same file is a libFuzzer target.
 */
#ifndef GODWIT_TESTS_FUZZ_H
#define GODWIT_TESTS_FUZZ_H

#include "tests/unit.h"

#include "base/buf.h"
#include "base/fd.h"
#include "base/num.h"

#include <dirent.h>

enum { FUZZ_INPUT_MAX = 1 << 16 };

/* The target: whatever the bytes are, it must return. */
static void fuzz_run(struct slice input);

#ifdef GODWIT_LIBFUZZER
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_run(slice_of(data, size));
    return 0;
}
#else

enum { FUZZ_SEEDS_MAX = 64 };

struct fuzz {
    struct buf seeds[FUZZ_SEEDS_MAX];
    size_t seeds_n;
    uint64_t random;
    uint8_t input[FUZZ_INPUT_MAX];
    size_t len;
};

static inline uint64_t fuzz_random(struct fuzz *f)
{
    f->random ^= f->random >> 12;
    f->random ^= f->random << 25;
    f->random ^= f->random >> 27;
    return f->random * 2685821657736338717u;
}

static inline size_t fuzz_below(struct fuzz *f, size_t n)
{
    return n ? (size_t)(fuzz_random(f) % n) : 0;
}

/* Put n bytes of room in at `at`, or take them out. */
static inline void fuzz_insert(struct fuzz *f, size_t at, size_t n)
{
    n = num_min(n, FUZZ_INPUT_MAX - f->len);
    memmove(f->input + at + n, f->input + at, f->len - at);
    f->len += n;
}

static inline void fuzz_remove(struct fuzz *f, size_t at, size_t n)
{
    n = num_min(n, f->len - at);
    memmove(f->input + at, f->input + at + n, f->len - at - n);
    f->len -= n;
}

static inline void fuzz_mutate(struct fuzz *f)
{
    static const uint32_t edges[] = {0, 1, 0x7f, 0xff, 0x100, 0x7fff, 0xffff, 0x10000, UINT32_MAX};
    size_t at = fuzz_below(f, f->len);
    uint32_t edge = edges[fuzz_below(f, ARRAY_LEN(edges))];

    switch (fuzz_below(f, 6)) {
    case 0:
        if (f->len)
            f->input[at] ^= (uint8_t)(1 << fuzz_below(f, 8));
        break;
    case 1:
        if (f->len)
            f->input[at] = (uint8_t)fuzz_random(f);
        break;
    case 2:
        memcpy(f->input + at, &edge, num_min(1 + fuzz_below(f, 4), f->len - at));
        break;
    case 3:
        fuzz_insert(f, at, 1 + fuzz_below(f, 32));
        break;
    case 4:
        fuzz_remove(f, at, 1 + fuzz_below(f, 32));
        break;
    default:
        if (fuzz_below(f, 8) == 0)
            f->len = at;
    }
}

static inline void fuzz_load_seeds(struct fuzz *f, const char *name)
{
    const char *top = getenv("abs_top_srcdir");
    char folder[PATH_MAX];
    const struct dirent *e;
    DIR *d;

    snprintf(folder, sizeof(folder), "%s/tests/data/%s", top ? top : ".", name);
    d = opendir(folder);
    while (d && f->seeds_n < FUZZ_SEEDS_MAX && (e = readdir(d))) {
        char path[2 * PATH_MAX];

        snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
        f->seeds_n += fd_load(path, FUZZ_INPUT_MAX, &f->seeds[f->seeds_n], NULL) == 0;
    }
    if (d)
        closedir(d);
    if (f->seeds_n == 0) {
        fprintf(stderr, "no seeds in %s\n", folder);
        exit(99);
    }
}

static inline void fuzz_seeds(const char *name, uint64_t runs)
{
    struct fuzz *f = calloc(1, sizeof(*f));

    if (!f)
        exit(99);
    f->random = 0x9e3779b97f4a7c15u;
    fuzz_load_seeds(f, name);
    for (size_t i = 0; i < f->seeds_n; i++)
        fuzz_run(buf_slice(&f->seeds[i]));
    for (uint64_t run = 0; run < runs; run++) {
        const struct buf *seed = &f->seeds[fuzz_below(f, f->seeds_n)];

        if (seed->len > 0) /* an empty seed has no memory */
            memcpy(f->input, seed->data, seed->len);
        f->len = seed->len;
        for (size_t n = 1 + fuzz_below(f, 6); n > 0; n--)
            fuzz_mutate(f);
        fuzz_run(slice_of(f->input, f->len));
    }
    for (size_t i = 0; i < f->seeds_n; i++)
        buf_done(&f->seeds[i]);
    free(f);
}

static inline int fuzz_main(const char *name, int argc, char **argv)
{
    const char *runs_text = getenv("GODWIT_FUZZ_RUNS");
    uint64_t runs = 10000;

    if (runs_text && num_parse_u64(runs_text, 0, UINT64_MAX, &runs, NULL) != 0)
        return 99;
    if (argc < 2)
        fuzz_seeds(name, runs);
    for (int i = 1; i < argc; i++) {
        auto_buf struct buf input = {0};

        if (fd_load(argv[i], BUF_MAX_DEFAULT, &input, NULL) != 0)
            return 99;
        fuzz_run(buf_slice(&input));
    }
    return 0;
}

#endif

#endif
