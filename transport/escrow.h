/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vault's key in the vault itself, encrypted to people: files of age under "escrow/".
 *
 * An object holds the key file for two recipients at least. Its name is a keyed one of the set of
 * its recipients, so that the same set is written once, and the store learns nothing of who they
 * are.
 */
#ifndef GODWIT_TRANSPORT_ESCROW_H
#define GODWIT_TRANSPORT_ESCROW_H

#include "transport/age.h"
#include "transport/vault.h"

enum { ESCROW_RECIPIENTS_MIN = 2, ESCROW_OBJECT_MAX = 64 << 10, ESCROW_NAME_MAX = 32 };

/* -EINVAL (GW_BAD_VALUE): fewer than ESCROW_RECIPIENTS_MIN. */
int escrow_check(const struct age_keys *recipients, struct err *err);

/*
 * Keep key, which must be v's, for recipients. ret_name ("escrow/<16 hex>") has ESCROW_NAME_MAX
 * bytes; *ret_new: false when it is there for just these. escrow_check's errors; -EINVAL for a
 * vault without encryption; -EBADMSG (GW_KEY_COPY) what is there is damaged; store errors as they
 * come. The object as it stands is appended to ret_object.
 */
int escrow_put(struct vault *v, const uint8_t *key, const struct age_keys *recipients,
               char *ret_name, bool *ret_new, struct buf *ret_object, struct err *err);

/* recipients: 0 when the object is damaged. A non-zero return ends the walk and is returned. */
struct escrow_item {
    const char *name;
    uint64_t bytes;
    size_t recipients;
};
typedef int (*escrow_fn)(void *arg, const struct escrow_item *item);
int escrow_list(struct store *s, escrow_fn fn, void *arg, struct err *err);

/*
 * The key of the vault in conf, from the first object that one of identities opens; it has been
 * tried on the vault. -ENOENT (GW_NOT_FOUND) there is no such object; -ENOKEY (GW_VAULT_KEY)
 * none is for these identities; GW_KEY_COPY damaged.
 */
int escrow_recover(const struct store_conf *conf, const struct age_keys *identities,
                   uint8_t *ret_key, char *ret_name, struct err *err);
/* The key in a file of age, tried on the vault. */
int escrow_open(const struct store_conf *conf, const struct age_keys *identities, struct slice file,
                uint8_t *ret_key, struct err *err);

#endif
