/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an object store implements; only store*.c include this.
 *
 * To add one: store_x.c with a `const struct store_ops store_x_ops`, a row in stores[] (store.c),
 * and tests/contract_store.c must pass unchanged.
 */
#ifndef GODWIT_TRANSPORT_STORE_IMPL_H
#define GODWIT_TRANSPORT_STORE_IMPL_H

#include "transport/store.h"
#include "transport/store_gate.h"

/*
 * Every member is called by one thread at a time for one self; selves that are dups of each other
 * run in parallel. err is never NULL; key, flags and range are checked already. Each call is one
 * attempt: what may succeed when tried again has err->retryable set, and store_retry.c tries it.
 * A failure leaves the outputs as they were.
 */
struct store_ops {
    const char *scheme; /* what the URL begins with: "file://" */
    bool paces;         /* it keeps to conf->rate by itself, as bytes leave and arrive */
    /* conf outlives self and all its dups. */
    int (*open)(const struct store_conf *conf, void **ret_self, struct err *err);
    int (*dup)(const void *self, void **ret_self, struct err *err);
    void (*close)(void *self);
    int (*put)(void *self, const char *key, struct slice body, const uint8_t *sha256,
               enum store_put_flags flags, struct err *err);
    /* range->max_bytes is never 0. */
    int (*get)(void *self, const char *key, const struct store_range *range, struct buf *out,
               struct err *err);
    int (*head)(void *self, const char *key, uint64_t *ret_bytes, struct err *err);
    int (*remove)(void *self, const char *key, struct err *err);
    /* Only keys that store_is_key are told. after is NULL or a text. */
    int (*list)(void *self, const char *prefix, const char *after, store_list_fn fn, void *arg,
                struct err *err);
    /* Optional: their clock minus ours as the last reply told it; false when unknown. */
    bool (*skew_ms)(const void *self, int64_t *ret_ms);
    /* Optional: did the last call's answer ask to slow down, and for how long (0 = not said)? */
    bool (*busy)(const void *self, uint64_t *ret_after_ms);
    /* Of who paces: how long conf->rate held self up so far. */
    uint64_t (*limited_ms)(const void *self);
};

/* 1..STORE_KEY_MAX bytes of the alphabet of keys, with parts of 1..255 bytes, none "." or "..". */
bool store_is_key(const char *text);
/* The alphabet of keys and at most STORE_KEY_MAX bytes; may be empty or end with '/'. */
bool store_is_prefix(const char *text);

/* The settings of a handle with their defaults filled in, and skew_ms of its implementation. */
const struct store_conf *store_conf_of(const struct store *s);
bool store_skew_ms(const struct store *s, int64_t *ret_ms);

/* What a handle and its dups count, and the gate before all their calls. */
struct store_totals {
    _Atomic uint64_t put_n, get_n, head_n, list_n, delete_n, retry_n;
    _Atomic uint64_t bytes_out, bytes_in;
    atomic_bool answered; /* the place has, at least once */
    struct store_gate gate;
};

/*
 * A store_ops around another one that repeats what may be repeated (backoff with jitter, seeing
 * conf->stop; the pauses of the gate), recognises a put whose reply was lost, and keeps to
 * conf->rate.
 * conf and totals outlive it; taken_inner is consumed also on failure.
 */
int store_retry_new(const struct store_conf *conf, struct store_totals *totals,
                    const struct store_ops *inner_ops, void *taken_inner, void **ret_self,
                    struct err *err);

extern const struct store_ops store_retry_ops; /* open is NULL: see store_retry_new */
void store_retry_spent(const void *self, struct store_spent *ret);
extern const struct store_ops store_file_ops;
extern const struct store_ops store_mem_ops;
extern const struct store_ops store_s3_ops;

#endif
