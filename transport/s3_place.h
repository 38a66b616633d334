/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a bucket is and who we are there: one for all handles onto it, so what one call learns (the
 * region, newer credentials, the server's clock) the next call of any thread knows.
 */
#ifndef GODWIT_TRANSPORT_S3_PLACE_H
#define GODWIT_TRANSPORT_S3_PLACE_H

#include "transport/s3_cred.h"

enum {
    S3_PLACE_BUCKET_MAX = 255,
    S3_PLACE_PREFIX_MAX = 255,
    S3_PLACE_HOST_MAX = 511,
    S3_PLACE_BASE_MAX = 255,
};

struct s3_place;

/* All that one request needs, copied out whole: nobody changes it under the request. */
struct s3_view {
    struct s3_cred cred;
    unsigned cred_n; /* counts the credentials that the place has had */
    bool tls;
    bool path_style;
    char host[S3_PLACE_HOST_MAX + 1]; /* as in the Host header */
    char base[S3_PLACE_BASE_MAX + 1]; /* path of the endpoint: "" or "/s3" */
    int64_t sign_skew_ms;             /* to add to our clock when signing */
};
void s3_view_done(struct s3_view *v); /* wipes */

/* conf is lent for the life of the place, env until return. -EINVAL (GW_STORE_BAD_URL,
 * GW_BAD_CONFIG), -EACCES (GW_STORE_DENIED: no credentials). */
int s3_place_new(const struct store_conf *conf, const struct s3_cred_env *env,
                 struct s3_place **ret, struct err *err);
struct s3_place *s3_place_ref(struct s3_place *p);
void s3_place_unref(struct s3_place *p);

const char *s3_place_bucket(const struct s3_place *p);
const char *s3_place_prefix(const struct s3_place *p);  /* "" or with its '/' */
const char *s3_place_ca_file(const struct s3_place *p); /* "" = the system's */
bool s3_place_http2(const struct s3_place *p);          /* take it where it is offered */

/*
 * The place as it is now. Credentials that end soon are replaced first; one thread does that, and
 * the others go on with the old ones for as long as those last. Fails as s3_cred_load does, and
 * only when there are none that still hold.
 */
int s3_place_view(struct s3_place *p, struct s3_view *ret, struct err *err);

/* The store said that the credentials of `seen` do not hold any more. Are there others by now? */
bool s3_place_renew(struct s3_place *p, const struct s3_view *seen);
/* It named another region. False when that is the one of `seen`, or makes no host. */
bool s3_place_move(struct s3_place *p, const struct s3_view *seen, const char *region);

/* Their clock minus ours, of every reply; signatures follow it once one was refused for it. */
void s3_place_note_skew(struct s3_place *p, int64_t skew_ms);
bool s3_place_skew(struct s3_place *p, int64_t *ret_ms);
/* A signature of `seen` was refused for its time. False when it followed their clock already. */
bool s3_place_follow_clock(struct s3_place *p, const struct s3_view *seen);

#endif
