/* SPDX-License-Identifier: Apache-2.0 */
/* The care log, asked about one point. */
#include "transport/given_up.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/text.h"
#include "transport/care_log.h"

#include <inttypes.h>

#include "base/banned.h"

int given_up_say(struct vault *v, const char *name, uint64_t seq, const char *what, struct err *err)
{
    auto_care_log struct care_log *log = NULL;
    const struct care_span *span = NULL;
    char when[TEXT_TIME_MAX];

    if (care_log_open(v, 0, &log, NULL) == 0 && care_log_read(log, NULL) == 0)
        span = care_log_span(log, name, seq);
    if (!span)
        return 0;
    return err_set_gw(err, GW_REPLICA_NOT_FOUND, -ENOENT,
                      "retention gave point %" PRIu64 " of '%s' up at %s, %s", seq, name,
                      text_time(span->at_ms, when), what);
}
