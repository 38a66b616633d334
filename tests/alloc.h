/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failing the Nth allocation, and counting those that live: for one file of a fault test.
 *
 * The program's own malloc family stands before the C library's (glibc supports that), so strdup
 * and the libraries are seen too. Not under sanitizers, which have one of their own: there
 * ALLOC_WORKS is 0 and the test exits 77.
 */
#ifndef GODWIT_TESTS_ALLOC_H
#define GODWIT_TESTS_ALLOC_H

#include "tests/unit.h"

#include <stdatomic.h>

#define ALLOC_WORKS (!UNIT_SANITIZED)

static atomic_long alloc_living;      /* blocks handed out and not freed */
static atomic_ulong alloc_until_fail; /* 0 = not armed; 1 = the next one fails */
static atomic_bool alloc_did_fail;

static inline bool alloc_fails(void)
{
    unsigned long left = atomic_load(&alloc_until_fail);

    while (left && !atomic_compare_exchange_weak(&alloc_until_fail, &left, left - 1))
        ;
    if (left != 1)
        return false;
    atomic_store(&alloc_did_fail, true);
    errno = ENOMEM;
    return true;
}

static inline void *alloc_counted(void *p)
{
    if (p)
        atomic_fetch_add(&alloc_living, 1);
    return p;
}

#if ALLOC_WORKS
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t align, size_t size);
void __libc_free(void *p);

/* Seen by the C library too, whose strdup would else call its own. */
#pragma GCC visibility push(default)
void *malloc(size_t size)
{
    return alloc_fails() ? NULL : alloc_counted(__libc_malloc(size));
}

void *calloc(size_t n, size_t size)
{
    return alloc_fails() ? NULL : alloc_counted(__libc_calloc(n, size));
}

void *realloc(void *p, size_t size)
{
    if (!p)
        return malloc(size);
    return alloc_fails() ? NULL : __libc_realloc(p, size);
}

int posix_memalign(void **ret, size_t align, size_t size)
{
    void *p = alloc_fails() ? NULL : alloc_counted(__libc_memalign(align, size));

    if (!p)
        return ENOMEM;
    *ret = p;
    return 0;
}

void free(void *p)
{
    if (p)
        atomic_fetch_sub(&alloc_living, 1);
    __libc_free(p);
}
#pragma GCC visibility pop
#endif

/*
 * Run op(arg) with its Nth allocation failing for N = 1, 2, ... until none fails any more: each
 * time it must return -ENOMEM and leave no block behind, at last 0. op frees what it made.
 */
typedef int (*alloc_op)(void *arg);

static inline void alloc_fail_each(const char *what, alloc_op op, void *arg)
{
    for (unsigned long n = 1;; n++) {
        long before = atomic_load(&alloc_living);
        int rc;

        atomic_store(&alloc_did_fail, false);
        atomic_store(&alloc_until_fail, n);
        rc = op(arg);
        atomic_store(&alloc_until_fail, 0);
        if (atomic_load(&alloc_living) != before)
            fail_msg("%s: allocation %lu failing leaves %ld blocks", what, n,
                     atomic_load(&alloc_living) - before);
        if (!atomic_load(&alloc_did_fail)) {
            if (rc != 0 || n == 1)
                fail_msg("%s: returns %d after %lu allocations", what, rc, n - 1);
            return;
        }
        if (rc != -ENOMEM)
            fail_msg("%s: allocation %lu failing returns %d", what, n, rc);
    }
}

#endif
