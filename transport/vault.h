/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vault: one place in an object store that holds replicas, and the key that opens it.
 *
 * The vault object binds format and identity; every other key derives from the vault key and the
 * vault's id by HKDF. A handle belongs to one thread; vault_dup gives another thread its own.
 */
#ifndef GODWIT_TRANSPORT_VAULT_H
#define GODWIT_TRANSPORT_VAULT_H

#include "base/crypto.h"
#include "transport/store.h"

struct vault;

enum { VAULT_FORMAT = 1, VAULT_ID_LEN = 16, VAULT_REPLICA_NAME_MAX = 127, VAULT_KEY_TEXT_MAX = 64 };

struct vault_conf {
    struct store_conf store;
    const uint8_t
        *key;    /* 32 bytes, or NULL: a vault without encryption (integrity is still checked) */
    bool create; /* make the vault when there is none */
};

/*
 * -ENOENT (GW_NO_VAULT) no vault there and create is off; -EKEYREJECTED (GW_VAULT_KEY) wrong
 * key, key needed or key given for a vault without encryption; -EPROTO (GW_VAULT_NEWER);
 * -EBADMSG (GW_VAULT_DAMAGED); store errors as they come.
 */
int vault_open(const struct vault_conf *conf, struct vault **ret, struct err *err);
int vault_dup(const struct vault *v, struct vault **ret, struct err *err);
void vault_close(struct vault *v);
static inline void vault_closep(struct vault **v)
{
    vault_close(*v);
}
#define auto_vault AUTO(vault_closep)

struct store *vault_store(struct vault *v); /* lent */
const uint8_t *vault_id(const struct vault *v);
bool vault_encrypted(const struct vault *v);

/*
 * Key files: one line "gwk1.<base64url of 32 bytes>.<first 8 hex of its SHA-256>", mode 0600.
 * vault_key_load takes a secret reference (base/secret.h). -EINVAL (GW_VAULT_KEY).
 */
int vault_key_create(const char *path, const struct rng *rng, uint8_t *ret_key,
                     struct err *err);                                     /* -EEXIST */
int vault_key_save(const char *path, const uint8_t *key, struct err *err); /* -EEXIST */
int vault_key_load(const char *ref, uint8_t *ret_key, struct err *err);
int vault_key_parse(const char *text, uint8_t *ret_key, struct err *err);
/* The line, with its end; out has VAULT_KEY_TEXT_MAX bytes. Returns out; wipe it after use. */
char *vault_key_format(const uint8_t *key, char *out);

/* A replica's name: 1..4 parts of text_is_name joined by '/', at most VAULT_REPLICA_NAME_MAX bytes;
 * no part is "points". */
bool vault_is_replica_name(const char *name);

#endif
