/* SPDX-License-Identifier: Apache-2.0 */
/* What http.c and http_multi.c share: a handle, and one request of it under way. */
#ifndef GODWIT_BASE_HTTP_PRIV_H
#define GODWIT_BASE_HTTP_PRIV_H

#include "base/cert.h"
#include "base/http.h"

#include <curl/curl.h>
#include <pthread.h>

struct http {
    CURL *easy;
    struct http_multi *multi; /* or NULL: the handle drives its own connection */
    char *ca_file, *cert_file, *key_file;
    uint8_t pin[CERT_PIN_LEN];
    struct cert_pinned pinned; /* pin is NULL when none is wanted */
    bool tls12_allowed, http2, no_proxy;
    uint64_t connect_timeout_ms, stall_timeout_ms;
    struct http_pace pace;
    const atomic_bool *stop;
    char why[CURL_ERROR_SIZE];
};

/* One http_do: what libcurl's callbacks need. */
struct http_transfer {
    struct http *http;
    struct http_reply *reply;
    size_t max_reply_bytes;
    curl_off_t moved; /* bytes both ways when something last moved, */
    uint64_t moved_at_ms;
    int code; /* why a callback ended the transfer */

    struct slice body; /* to send, when it is paced */
    size_t sent;       /* of it */
    size_t asked;      /* of the pace, and not granted yet */
    size_t granted;    /* and not moved yet */
    bool paused;       /* until what was asked for is granted */

    /* of http_multi.c, under its lock until it is done */
    struct http_transfer *next;
    pthread_cond_t ended;
    bool done;
    CURLcode result;
};

/* Once for the program. False: libcurl does not start. */
bool http_start(void);
/* As curl_easy_perform, by the thread of m. */
CURLcode http_multi_perform(struct http_multi *m, struct http_transfer *t);

/* Ask for what t waits for. Milliseconds until it is worth asking again; 0 = granted. */
uint64_t http_transfer_ask(struct http_transfer *t);

#endif
