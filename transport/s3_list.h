/* SPDX-License-Identifier: Apache-2.0 */
/* A walk over the listing of a bucket. */
#ifndef GODWIT_TRANSPORT_S3_LIST_H
#define GODWIT_TRANSPORT_S3_LIST_H

#include "transport/s3_call.h"

enum { S3_LIST_TOKEN_MAX = 4096 };

/* Set the first five, zero the rest. */
struct s3_list {
    struct s3_call *call;
    const char *prefix; /* the store's, without the bucket's */
    const char *after;  /* or NULL */
    store_list_fn fn;
    void *arg;
    char last[STORE_KEY_MAX + 1];  /* key that was told */
    char token[S3_LIST_TOKEN_MAX]; /* of the next page; "" = none */
};

/* The `list` of store_ops. */
int s3_list(struct s3_list *w, struct err *err);

/* One page: tells its keys and sets w->token. A page that is cut or lies is -EAGAIN (retryable),
 * one out of order -EPROTO. */
int s3_list_page(struct s3_list *w, struct slice doc, struct err *err);

#endif
