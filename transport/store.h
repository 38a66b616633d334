/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Object stores: put, get, head, list, delete of immutable objects by key.
 *
 * A handle belongs to one thread; store_dup gives another thread its own onto the same place.
 * Callers use these dispatchers, which check arguments and count; an implementation is a row of
 * stores[] in store.c with a `struct store_ops` (store_impl.h) and passes tests/contract_store.c
 * unchanged. Nothing that uses a store may rely on list, rename, append, multipart or ETag for its
 * correctness.
 */
#ifndef GODWIT_TRANSPORT_STORE_H
#define GODWIT_TRANSPORT_STORE_H

#include "base/buf.h"
#include "base/clock.h"

#include <stdatomic.h>

struct err;
struct rate;
struct store;

enum { STORE_KEY_MAX = 512, STORE_BODY_MAX = 64 << 20, STORE_STREAMS_MAX = 16 };

struct store_conf {
    const char *url; /* file:///path, s3://bucket/prefix, mem:NAME */
    /* s3; NULL or 0 = from the environment, as the AWS tools read it */
    const char *endpoint;
    const char *region;
    const char *profile;
    const char *ca_file;
    int path_style;    /* 1 yes, 0 no, -1 decide: yes for IP addresses, ports and names with dots */
    struct rate *rate; /* shared bandwidth limit, or NULL */
    const struct clock *clock; /* NULL = clock_system */
    const struct rng *rng;     /* NULL = rng_system */
    const atomic_bool *stop;   /* ends waits with -ECANCELED; or NULL */
    unsigned streams;  /* bulk calls (put, get) at one time, of this handle and all its dups;
                          0 = as many as help, at most STORE_STREAMS_MAX */
    unsigned attempts; /* per call, with backoff and jitter; 0 = 10, which waits out about half a
                          minute. A place that never answered gets 4: a second. */
    unsigned stall_ms; /* an attempt in which no byte moves for so long has failed; 0 = a minute */
};

/* -EINVAL (GW_STORE_BAD_URL); nothing is contacted yet but a directory's existence. conf is copied.
 */
int store_open(const struct store_conf *conf, struct store **ret, struct err *err);
int store_dup(const struct store *s, struct store **ret, struct err *err);
void store_close(struct store *s);
static inline void store_closep(struct store **s)
{
    store_close(*s);
}
#define auto_store AUTO(store_closep)

enum store_put_flags { STORE_PUT_REPLACE = 0, STORE_PUT_CREATE_ONLY = 1 };

/*
 * Store body under key, all or nothing, durable on return.
 *
 * key   1..STORE_KEY_MAX bytes of [A-Za-z0-9/._=-], no empty, "." or ".." parts.
 * sha256  of the body when the caller has it (it is the SigV4 payload hash), else NULL.
 * STORE_PUT_CREATE_ONLY: -EEXIST when the key exists already and is not ours: when a reply was lost
 * the object is read back, and equal bytes of an attempt of this very call count as success.
 *   -EOPNOTSUPP when the store cannot do it (501): then nothing was written.
 * -EACCES (GW_STORE_DENIED), -ENOSPC, -EINVAL, -ECANCELED;
 * -EAGAIN (GW_STORE_UNREACHABLE, retryable) when every attempt failed.
 */
int store_put(struct store *s, const char *key, struct slice body, const uint8_t *sha256,
              enum store_put_flags flags, struct err *err);

/*
 * Append [offset, offset + len) of the object to out; len 0 = to its end. -ENOENT no such object;
 * -ERANGE when it is shorter than asked; -EFBIG when the whole would pass max_bytes.
 */
struct store_range {
    uint64_t offset;
    size_t len;
    size_t max_bytes; /* 0 = STORE_BODY_MAX */
};
int store_get(struct store *s, const char *key, struct store_range range, struct buf *out,
              struct err *err);
int store_head(struct store *s, const char *key, uint64_t *ret_bytes,
               struct err *err);                                     /* -ENOENT */
int store_delete(struct store *s, const char *key, struct err *err); /* 0 when it is gone already */

/* Keys that begin with prefix and sort after `after` (or all, NULL), ascending by bytes. A non-zero
 * return ends the walk and is returned. */
typedef int (*store_list_fn)(void *arg, const char *key, uint64_t size_bytes, uint64_t mtime_ms);
int store_list(struct store *s, const char *prefix, const char *after, store_list_fn fn, void *arg,
               struct err *err);

/* What the place honours, found out by trying with objects under "probe/" that are removed again.
 */
struct store_caps {
    bool reads, writes, deletes, lists, ranges;
    bool create_only;       /* If-None-Match: * is honoured, atomically as far as one can tell */
    int64_t clock_skew_ms;  /* their Date header minus our clock; 0 when unknown */
    uint64_t round_trip_us; /* of a small put */
};
int store_probe(struct store *s, struct store_caps *ret, struct err *err);

/* Totals of this handle and every dup of it. */
struct store_counts {
    uint64_t put_n, get_n, head_n, list_n, delete_n, retry_n;
    uint64_t bytes_out, bytes_in;
    unsigned streams; /* bulk calls that may run at this moment */
};
void store_counts(const struct store *s, struct store_counts *ret);
/* What calls of this handle alone waited for so far. */
struct store_spent {
    uint64_t limit_ms; /* conf->rate */
    uint64_t pause_ms; /* what the store asked for, and attempts that failed and were repeated */
    uint64_t call_ms;  /* all else */
};
void store_spent(const struct store *s, struct store_spent *ret);
const char *store_url(const struct store *s);  /* without secrets */
unsigned store_streams(const struct store *s); /* store_conf.streams: 0 = as many as help */

#endif
