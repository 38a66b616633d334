/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who we are to an S3 service and where it is: settings as the AWS tools read them.
 *
 * Credentials: an explicit profile; else AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and
 * AWS_SESSION_TOKEN; else the profile AWS_PROFILE or "default" of AWS_SHARED_CREDENTIALS_FILE
 * (~/.aws/credentials), then of AWS_CONFIG_FILE (~/.aws/config), its role, its single sign-on (the
 * login that `aws sso login` left behind) and its credential_process included.
 * Who named no profile has AWS_WEB_IDENTITY_TOKEN_FILE with AWS_ROLE_ARN before all of a profile,
 * and is lent some by the container or the instance where that has none.
 */
#ifndef GODWIT_TRANSPORT_S3_CRED_H
#define GODWIT_TRANSPORT_S3_CRED_H

#include "transport/store.h"

enum {
    S3_CRED_KEY_MAX = 255,
    S3_CRED_TOKEN_MAX = 8191,
    S3_CRED_REGION_MAX = 63,
    S3_CRED_PATH_MAX = 1023,
};

struct s3_cred {
    char access_key[S3_CRED_KEY_MAX + 1];
    char secret_key[S3_CRED_KEY_MAX + 1];
    char token[S3_CRED_TOKEN_MAX + 1];   /* "" = none */
    char region[S3_CRED_REGION_MAX + 1]; /* never "" */
    char endpoint[S3_CRED_PATH_MAX + 1]; /* "" = Amazon's of the region */
    char ca_file[S3_CRED_PATH_MAX + 1];  /* "" = the system's */
    int path_style;                      /* 1, 0, or -1 decide */
    int http2;                           /* 0 not even where it is offered; 1 */
    uint64_t expires_ms;                 /* wall clock; 0 = they do not end, or nobody knows */
};

/* Where environment variables come from; NULL for one that is not set. */
struct s3_cred_env {
    const char *(*get)(void *arg, const char *name);
    void *arg;
};

extern const struct s3_cred_env s3_cred_env_system;
/* NULL also for one that is empty, as the AWS tools see it. */
const char *s3_cred_env_get(const struct s3_cred_env *env, const char *name);

/*
 * Settings of conf (which win), environment and files. -EACCES (GW_STORE_DENIED) when there are no
 * credentials or half of one; -EINVAL for a value that is too long or malformed, a profile that
 * does not exist, a file that does not parse. s3_cred_done wipes.
 */
int s3_cred_load(const struct store_conf *conf, const struct s3_cred_env *env, struct s3_cred *ret,
                 struct err *err);
void s3_cred_done(struct s3_cred *c);

/* The three keys and when they end, whatever was there. */
void s3_cred_take_keys(const struct s3_cred *from, struct s3_cred *ret);
/* For who reads settings: value into out unless that has one. -EINVAL, never telling the value. */
int s3_cred_fill(char *out, size_t size, const char *value, const char *what, struct err *err);

#endif
