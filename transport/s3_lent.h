/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials that are lent for a time: for a login, by a program, a container's agent, an
 * instance's metadata.
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

/* For s3_lent*.c: one question with a few attempts. 0 with any status. */
struct s3_lent_question {
    const char *method;
    const char *url;
    const char *header;  /* "Name: value", or NULL */
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
