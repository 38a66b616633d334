/* SPDX-License-Identifier: Apache-2.0 */
/* Restore points as members of a document and rows of a table. */
#ifndef GODWIT_CLI_REPLICA_VIEW_H
#define GODWIT_CLI_REPLICA_VIEW_H

#include "cli/out.h"
#include "transport/replica.h"

/* The members of a point into the object that is open in w. */
void replica_view_write_point(struct jsw *w, const struct replica_point *p);
/* What bounded a push, and where its time went: "bound" (null: it took none), "time_share". */
void replica_view_write_spent(struct jsw *w, const struct spent *s);
/* The members "tracker" and, absent when it was not for want of one, why everything was read:
 * "rescan". */
void replica_view_write_tracked(struct jsw *w, const struct replica_tracked *tracked);
/* The member "unreadable" likewise: what the point could not read; absent when it is complete. */
int replica_view_write_unreadable(struct jsw *w, struct vault *v, const char *name,
                                  const struct replica_point *p, struct err *err);
/* Say so to people, after the table, when that member is there: of the object of a point, or of a
 * document whose "point" is its number. */
void replica_view_say_unreadable(struct out *o, const struct js *point);
/* The member "freeze" likewise. */
void replica_view_write_freeze(struct jsw *w, const struct replica_moment *m);
/* In a line for people, when it is there. */
void replica_view_say_freeze(struct out *o, const struct js *freeze);
/* Documents with "items": points or replica names. */
int replica_view_points(struct out *o, const struct js *doc, struct table *t, struct err *err);

#endif
