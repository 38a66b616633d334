/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Did somebody else change a volume that follows a replica? Its stamp (state.h) answers at once
 * when nothing moved. When something did, the volume is read: a touch, a boot or a move to another
 * place changes the stamp and not the data.
 */
#ifndef GODWIT_TRANSPORT_ALTERED_H
#define GODWIT_TRANSPORT_ALTERED_H

#include "transport/state.h"

/*
 * 0: the volume of run is what state says it was equal to, or state says nothing of it; a stamp
 * that moved in vain is taken anew and saved. -ESTALE (GW_VOLUME_ALTERED): it is not, is gone or
 * became smaller; what was found so by reading is kept in state, and not read again. Else errors of
 * the volume, or -ECANCELED.
 */
int altered_check(struct state *state, const struct replica_run *run, struct err *err);

#endif
