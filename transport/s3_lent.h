/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials that are lent for a time: by a program, a container's agent, an instance's metadata.
 * The protocols are those of the AWS tools, with the same variables to say where and whether.
 */
#ifndef GODWIT_TRANSPORT_S3_LENT_H
#define GODWIT_TRANSPORT_S3_LENT_H

#include "transport/s3_cred.h"

/*
 * Fill the three keys and expires_ms of ret.
 * Each: -ENOENT when there is no such source here (not configured, switched off, nobody answers);
 * -EACCES (GW_STORE_DENIED) when it is there and gives nothing of use.
 */
int s3_lent_process(const char *command, struct s3_cred *ret, struct err *err);
int s3_lent_container(const struct s3_cred_env *env, struct s3_cred *ret, struct err *err);
int s3_lent_instance(const struct s3_cred_env *env, struct s3_cred *ret, struct err *err);

/* The document they all speak: AccessKeyId, SecretAccessKey, Token or SessionToken, Expiration. */
int s3_lent_parse(struct slice text, struct s3_cred *ret, struct err *err);

#endif
