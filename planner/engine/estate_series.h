/* SPDX-License-Identifier: Apache-2.0 */
/* Samples of use as they come, in any order, until they become the use of their hosts. */
#ifndef GODWIT_PLANNER_ENGINE_ESTATE_SERIES_H
#define GODWIT_PLANNER_ENGINE_ESTATE_SERIES_H

#include "planner/engine/estate.h"

enum { ESTATE_SAMPLES_MAX = 1 << 25 };

/* {0} is empty. */
struct estate_series {
    struct estate_sample {
        struct estate_host *host;
        uint64_t time_ms;
        double value; /* at least 0 */
        enum estate_metric metric;
    } * samples;
    size_t n, cap;
};

/* false: above ESTATE_SAMPLES_MAX, or no memory. */
bool estate_series_add(struct estate_series *s, const struct estate_sample *sample);
/*
 * Let the samples be what is known of their hosts' use: histograms, spans, hours of the week. Of
 * two samples of the same time one counts. What a host has from an earlier time is kept beside;
 * from a time that overlaps it is replaced. s is empty after.
 */
void estate_series_keep(struct estate_series *s, struct estate *e, struct estate_source source);
void estate_series_done(struct estate_series *s);

#endif
