/* SPDX-License-Identifier: Apache-2.0 */
/* What every C test needs: cmocka in its required order, and a directory that goes away again. */
#ifndef GODWIT_TESTS_UNIT_H
#define GODWIT_TESTS_UNIT_H

#include "base/auto.h"
#include "base/err.h"

/* cmocka.h wants these four before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* They leave the test: known to the compiler, what follows may rely on what was asserted. */
void _fail(const char *file, int line) __attribute__((noreturn));
#undef assert_non_null
#define assert_non_null(p)                                                                         \
    do {                                                                                           \
        if (!(p))                                                                                  \
            fail_msg("%s is NULL", #p);                                                            \
    } while (0)

/* Sanitizers end the program where malloc would return NULL, and keep what was freed. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNIT_SANITIZED 1
#else
#define UNIT_SANITIZED 0
#endif

/* Both outcomes of a call, with err's text in the message of the failure. */
#define assert_ok(call)                                                                            \
    do {                                                                                           \
        int assert_rc_ = (call);                                                                   \
        if (assert_rc_ != 0)                                                                       \
            fail_msg("%s: %s", #call, strerror(-assert_rc_));                                      \
    } while (0)
#define assert_fails(code, call) assert_int_equal((code), (call))

static inline int unit_rm_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

/* A fresh private directory under $TMPDIR, or under top where that is not set. */
static inline char *unit_mkdir_under(const char *top)
{
    const char *wanted = getenv("TMPDIR");
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/godwit-unit-XXXXXX", wanted && wanted[0] ? wanted : top);
    if (!mkdtemp(path))
        fail_msg("mkdtemp %s", path);
    return strdup(path);
}

/* Give it back with unit_rmdir. */
static inline char *unit_mkdir(void)
{
    return unit_mkdir_under("/tmp");
}

/* The same for thousands of small files, of which no disk needs to know: in memory, if may be. */
static inline char *unit_mkdir_memory(void)
{
    return unit_mkdir_under(access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
}

static inline void unit_rmdir(char *taken_path)
{
    nftw(taken_path, unit_rm_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(taken_path);
}

/* dir/name in a buffer of the caller's. Returns out. */
static inline const char *unit_path(const char *dir, const char *name, char out[static PATH_MAX])
{
    if (snprintf(out, PATH_MAX, "%s/%s", dir, name) >= PATH_MAX)
        fail_msg("path too long: %s/%s", dir, name);
    return out;
}

#endif
