/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One signed call to a bucket and what its answer means; the operations are store_s3.c's.
 */
#ifndef GODWIT_TRANSPORT_S3_CALL_H
#define GODWIT_TRANSPORT_S3_CALL_H

#include "base/http.h"
#include "transport/s3_place.h"
#include "transport/s3_sign.h"
#include "transport/store_impl.h"

/* One thread's way to one bucket. */
struct s3_call {
    const struct store_conf *conf;
    struct s3_place *place;
    const char *bucket; /* the place's */
    const char *prefix;
    struct http_multi *multi; /* of all handles onto the place */
    struct rate_turn *turn;   /* at conf->rate, when there is one */
    struct http *http;
    bool has_skew; /* the last reply told their time: */
    int64_t skew_ms;
    bool busy;         /* it asked to slow down, */
    uint64_t after_ms; /* for so long; 0 = not said */
};

struct s3_request {
    const char *method;
    const char *key; /* without the prefix; NULL = the bucket itself */
    const struct s3_sign_pair *params;
    size_t params_n;
    const struct s3_sign_pair *headers;
    size_t headers_n;
    struct slice body;
    const uint8_t *sha256; /* of body, or NULL */
    size_t max_reply_bytes;
    bool once; /* as http_request.once: a refusal must be told from the echo of our own success */
};

/* -EINVAL (GW_STORE_BAD_URL, GW_BAD_CONFIG), -EACCES (GW_STORE_DENIED: no credentials). */
int s3_call_open(const struct store_conf *conf, const struct s3_cred_env *env, struct s3_call **ret,
                 struct err *err);
int s3_call_dup(const struct s3_call *c, struct s3_call **ret, struct err *err);
void s3_call_close(struct s3_call *c);
static inline void s3_call_closep(struct s3_call **c)
{
    s3_call_close(*c);
}

/*
 * One request, repeated at once where the answer names another region, says that credentials have
 * run out and there are newer ones, or refuses our clock and tells its own. 0 for 2xx (reply is
 * whole, and no error in the guise of a success); else the failure:
 *   -ENOENT, -EEXIST (the precondition failed), -ERANGE (416), -EACCES (GW_STORE_DENIED),
 *   -EOPNOTSUPP (501), -ENOSPC, -EINVAL (GW_STORE_BAD_URL: no such bucket), -EFBIG,
 *   -EAGAIN and the transport's own codes with err->retryable.
 */
int s3_call(struct s3_call *c, const struct s3_request *req, struct http_reply *reply,
            struct err *err);

/* What reply (not 2xx) means; s3_fail.c. what is "put" and so on. */
int s3_fail(const struct s3_call *c, const struct s3_request *req, struct http_reply *reply,
            struct err *err);
/* Is the body of a 2xx an error document? Services begin a reply before they know how it ends. */
bool s3_fail_within(const struct s3_request *req, const struct http_reply *reply);
/* The region that a reply points to, or "" when it names none. */
void s3_fail_region(struct http_reply *reply, char *out, size_t size);
/* The S3 error code of a reply, "" when there is none. */
void s3_fail_code(const struct http_reply *reply, char *out, size_t size);

#endif
