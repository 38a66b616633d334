/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials that are lent for a time: for a login, by a program, for a role, by a container's
 * agent, an instance's metadata.
 * The protocols are those of the AWS tools, with the same variables to say where and whether.
 */
#ifndef GODWIT_TRANSPORT_S3_LENT_H
#define GODWIT_TRANSPORT_S3_LENT_H

#include "transport/s3_profile.h"

/*
 * Fill the three keys and expires_ms of ret.
 * Each: -ENOENT when there is no such source here (not configured, switched off, nobody answers);
 * -EACCES (GW_STORE_DENIED) when it is there and gives nothing of use.
 */
int s3_lent_process(const char *command, struct s3_cred *ret, struct err *err);
int s3_lent_container(const struct s3_cred_env *env, struct s3_cred *ret, struct err *err);
int s3_lent_instance(const struct s3_cred_env *env, struct s3_cred *ret, struct err *err);

/* s3_lent_sso.c: for the login that `aws sso login` keeps in ~/.aws/sso/cache. */
int s3_lent_sso(const struct s3_cred_env *env, const struct s3_sso *sso, struct s3_cred *ret,
                struct err *err);

/* Where roles are asked for. */
struct s3_sts {
    char endpoint[S3_CRED_PATH_MAX + 1]; /* "" = Amazon's of the region */
    const char *region;
    const char *ca_file; /* "" = the system's */
    const struct clock *clock;
};
/*
 * s3_lent_sts.c: the keys of a role, for the token in its file, or for those that are in ret.
 * -EACCES (GW_STORE_DENIED) refused; a retryable code (GW_STORE_UNREACHABLE) when nobody answers.
 */
int s3_lent_sts_web_identity(const struct s3_sts *sts, const struct s3_role *role,
                             struct s3_cred *ret, struct err *err);
int s3_lent_sts_role(const struct s3_sts *sts, const struct s3_role *role, struct s3_cred *ret,
                     struct err *err);

/* For s3_lent*.c: one question with a few attempts. 0 with any status. */
struct s3_lent_question {
    const char *method;
    const char *url;
    const char *const *headers; /* "Name: value", NULL-terminated; or NULL */
    struct slice body;
    const char *ca_file; /* or NULL: the system's */
    bool far;            /* not on this machine or its host: a proxy may be on the way */
};
struct http_reply;
int s3_lent_ask(const struct s3_lent_question *q, struct http_reply *reply, struct err *err);
/* Plain HTTP only within the machine, and to the addresses of ECS and EKS. */
bool s3_lent_is_safe_url(const char *url);
/* -EACCES: who is there, and why it gives nothing of use. */
int s3_lent_useless(struct err *err, const char *who, const char *why);

/* The document they all speak: AccessKeyId, SecretAccessKey, Token or SessionToken, Expiration. */
int s3_lent_parse(struct slice text, struct s3_cred *ret, struct err *err);

#endif
