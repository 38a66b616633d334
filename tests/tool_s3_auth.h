/* SPDX-License-Identifier: Apache-2.0 */
/* Signature version 4 as a service checks it, written from Amazon's description and sharing
 * nothing with the client's side but SHA-256 and HMAC. */
#ifndef GODWIT_TESTS_TOOL_S3_AUTH_H
#define GODWIT_TESTS_TOOL_S3_AUTH_H

#include "base/slice.h"

/* A request as it came, undecoded. header: the value of one, any case, or NULL. */
struct tool_s3_auth {
    const char *method;
    const char *target;           /* "/bucket/key?query" */
    const uint8_t *body_sha256;   /* of the bytes that arrived */
    const char *const *amz_names; /* the x-amz-* headers that came, NULL-terminated */
    const char *service;          /* "s3", "sts" */
    const char *access_key;
    const char *secret_key;
    uint64_t now_ms;
    const char *(*header)(void *arg, const char *name);
    void *arg;
};

/* NULL when the request may be served, else the code of S3 that says why not. */
const char *tool_s3_auth_check(const struct tool_s3_auth *a);

#endif
