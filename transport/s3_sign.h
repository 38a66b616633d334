/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS Signature Version 4 for S3 and STS, in the Authorization header, with the payload's hash.
 * Source: Amazon S3 API Reference, "Authenticating Requests: Using the Authorization Header".
 */
#ifndef GODWIT_TRANSPORT_S3_SIGN_H
#define GODWIT_TRANSPORT_S3_SIGN_H

#include "base/buf.h"

struct err;

enum { S3_SIGN_PAIRS_MAX = 12, S3_SIGN_LINES_MAX = S3_SIGN_PAIRS_MAX + 8 };

/* A query parameter (plain text) or a header (lower-case name). Both lent. */
struct s3_sign_pair {
    const char *name;
    const char *value;
};

struct s3_sign_key {
    const char *access_key;
    const char *secret_key;
    const char *token; /* of a session; "" = none */
    const char *region;
    const char *service; /* "s3", "sts" */
};

struct s3_sign_request {
    const char *method;
    const char *host; /* as the Host header has it: with the port unless it is the scheme's */
    const char *path; /* "/bucket/key", plain text */
    const struct s3_sign_pair *params; /* in any order */
    size_t params_n;
    const struct s3_sign_pair *headers; /* others to sign, in any order */
    size_t headers_n;
    const uint8_t *payload_sha256; /* 32 bytes */
    uint64_t wall_ms;
};

/* What to send: the request target as it was signed, and every header. */
struct s3_signed {
    struct buf target;                        /* "/bucket/key?list-type=2", encoded */
    struct buf text;                          /* the lines, each NUL-terminated */
    const char *lines[S3_SIGN_LINES_MAX + 1]; /* into text, NULL-terminated */
};

void s3_sign_done(struct s3_signed *s);
#define auto_signed AUTO(s3_sign_done)

/* -EINVAL for too many pairs or a header value that would break the request; -ENOMEM. */
int s3_sign(const struct s3_sign_key *key, const struct s3_sign_request *req, struct s3_signed *ret,
            struct err *err);

#endif
