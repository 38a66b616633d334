/* SPDX-License-Identifier: Apache-2.0 */
/* godwit.workload/1: the strict check, and the document as a struct. Pure. */
#ifndef GODWIT_PLANNER_SERVICE_WORKLOAD_DOC_H
#define GODWIT_PLANNER_SERVICE_WORKLOAD_DOC_H

#include "planner/service/workload.h"

/*
 * Parse doc, which must be the document of workload name, into ret (identities stay ""). ret
 * borrows from doc and does not own it. -EINVAL (GW_BAD_WORKLOAD) names the member that is wrong:
 * unknown members, names, kinds, ranges, volumes without a side, two volumes on one device.
 */
int workload_doc_parse(const struct js *doc, const char *name, struct workload *ret,
                       struct err *err);
/* Frees what workload_doc_parse has allocated. */
void workload_doc_done(struct workload *w);

#endif
