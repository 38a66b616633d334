/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A start for problems of many groups and waves, where cuts say little: spread evenly over all
 * waves, in fractions, nothing ever crosses. Groups in a line, those with the dearest edges side by
 * side, filled into the waves from one end to the other.
 */
#ifndef GODWIT_PLANNER_ENGINE_WAVE_LINE_H
#define GODWIT_PLANNER_ENGINE_WAVE_LINE_H

#include "planner/engine/wave_domain.h"

/* plan[groups], all in the domain: of two lines the one that costs less. Limits are kept where the
 * waves have room; orders and aparts are not looked at. */
int wave_line(const struct wave_problem *p, const struct wave_domain *d, uint32_t *plan,
              struct err *err);

#endif
