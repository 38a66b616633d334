/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the AWS tools say of a profile: AWS_SHARED_CREDENTIALS_FILE
 * (~/.aws/credentials), then AWS_CONFIG_FILE (~/.aws/config). Nobody is asked for anything here.
 */
#ifndef GODWIT_TRANSPORT_S3_PROFILE_H
#define GODWIT_TRANSPORT_S3_PROFILE_H

#include "transport/s3_cred.h"

/* A single sign-on (AWS IAM Identity Center). */
struct s3_sso {
    char session[256]; /* "" = an old profile, which names start_url itself */
    char start_url[512];
    char region[64];
    char account[64]; /* "" = no single sign-on */
    char role[128];
};

/* A role, and with what it is asked for: a token in a file, or keys of somewhere else. */
struct s3_role {
    char arn[2049]; /* "" = none */
    char session[65];
    char external_id[1225];
    char mfa_serial[257];
    char duration_s[8];
    char source_profile[256];
    char credential_source[32];
    char token_file[S3_CRED_PATH_MAX + 1];
};

/* Where services are that are not Amazon's, by a section "services". */
struct s3_services {
    char name[256]; /* "" = none */
    char s3[S3_CRED_PATH_MAX + 1];
    char sts[S3_CRED_PATH_MAX + 1];
};

struct s3_profile {
    struct s3_cred cred;                /* "" and -1 = not said; http2 and expires_ms never are */
    char process[S3_CRED_PATH_MAX + 1]; /* credential_process; "" = none */
    struct s3_services services;
    char ignore_endpoints[8]; /* as it stands there */
    struct s3_sso sso;
    struct s3_role role;
};

/*
 * -ENOENT neither file has it; -EINVAL a value that is too long or malformed, a
 * session or section of services that is nowhere. who: also what says who we are, not settings
 * alone. s3_profile_done wipes.
 */
int s3_profile_load(const struct s3_cred_env *env, const char *name, bool who,
                    struct s3_profile *ret, struct err *err);
void s3_profile_done(struct s3_profile *p);

#endif
