/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP out, over libcurl: TLS 1.3, timeouts, bounded replies, proxy from the environment.
 *
 * A handle belongs to one thread and keeps its connection alive. Redirects are never followed.
 * Paths are sent as they are (CURLOPT_PATH_AS_IS).
 */
#ifndef GODWIT_BASE_HTTP_H
#define GODWIT_BASE_HTTP_H

#include "base/buf.h"
#include "base/clock.h"

#include <stdatomic.h>

struct http;

/*
 * One thread that moves the bytes of many handles (libcurl's multi interface): their connections
 * are common, so that any of them begins on a warm one. It ends with its last handle.
 */
struct http_multi;
int http_multi_new(struct http_multi **ret, struct err *err);
struct http_multi *http_multi_ref(struct http_multi *m);
void http_multi_unref(struct http_multi *m);

/*
 * How fast bodies may go, both ways, as bytes leave and arrive; a handle with a multi only. None of
 * these blocks; they are called by the multi's thread. ask NULL = no pace.
 */
struct http_pace {
    uint64_t (*ask)(void *arg, size_t bytes); /* ms until they may move; 0 = now: they count */
    void (*drop)(void *arg);                  /* what was asked for will not move */
    size_t (*grain)(void *arg);               /* what is worth asking for at once */
    void *arg;                                /* the handle's own */
};

struct http_conf {
    struct http_multi *multi; /* NULL = the handle moves its own bytes */
    struct http_pace pace;
    bool http2;            /* take it where TLS offers it */
    bool no_proxy;         /* whatever the environment says: what is asked stays on this machine */
    const char *ca_file;   /* PEM; NULL = the system's */
    const char *cert_file; /* client certificate, with key_file; or NULL */
    const char *key_file;
    const uint8_t *
        pin; /* SHA-256 of the SPKI of a certificate in the peer's chain (its CA), 32 bytes; NULL =
                none. With a pin and no ca_file the pin alone decides: first contact of an agent. */
    bool tls12_allowed;          /* object stores of others; our own API is always 1.3 */
    uint64_t connect_timeout_ms; /* 0 = 10 s */
    uint64_t stall_timeout_ms;   /* no byte for so long ends the request; 0 = 60 s */
    const atomic_bool *stop;     /* ends a request under way with -ECANCELED; or NULL */
};

int http_new(const struct http_conf *conf, struct http **ret, struct err *err);
void http_free(struct http *h);
static inline void http_freep(struct http **h)
{
    http_free(*h);
}
#define auto_http AUTO(http_freep)

struct http_request {
    const char *method; /* GET, PUT, POST, DELETE, HEAD */
    const char *url;
    const char *const *headers; /* "Name: value", NULL-terminated; or NULL */
    struct slice body;
    uint64_t timeout_ms;    /* the whole request; 0 = no bound but the stall timeout */
    size_t max_reply_bytes; /* 0 = 1 MiB */
    bool once; /* on a connection of its own: libcurl sends a request again by itself when one that
                  was kept alive breaks before the reply, and nobody is told */
};

enum { HTTP_HEADERS_MAX = 64 * 1024 };

struct http_reply {
    long status; /* 200, 404, … */
    struct buf body;
    struct buf headers; /* raw lines of the last reply */
};

void http_reply_done(struct http_reply *r);
#define auto_reply AUTO(http_reply_done)
/* Value of a header of the last reply (name without colon, any case), or NULL. Lent until
 * http_reply_done. */
const char *http_reply_header(struct http_reply *r, const char *name);

/*
 * One attempt. Returns 0 with any status; or -ETIMEDOUT, -ECONNREFUSED, -ECONNRESET (also for what
 * is no HTTP), -EHOSTUNREACH (all retryable), -EPROTO (TLS: a peer that does not verify;
 * GW_PIN_MISMATCH for the pin), -EFBIG (reply above its maximum), -ECANCELED, -ENOMEM. reply is
 * cleared first.
 */
int http_do(struct http *h, const struct http_request *req, struct http_reply *reply,
            struct err *err);

/* Exponential backoff with full jitter: what to wait before attempt n = 1, 2, … */
uint64_t http_backoff_ms(const struct rng *rng, unsigned attempt, uint64_t base_ms,
                         uint64_t max_ms);

/* Status codes worth another attempt: 408, 429, 500, 502, 503, 504. */
bool http_status_retryable(long status);

/* Percent-encode for a path (keep_slash) or query: strict RFC 3986, upper-case hex. */
int http_escape(const char *text, bool keep_slash, struct buf *out);

/* libcurl's, as linked at run time. */
const char *http_version(void);

#endif
