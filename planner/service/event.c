/* SPDX-License-Identifier: Apache-2.0 */
/* Events are rows; the address comes from the request under way, so no caller has to pass it. */
#include "planner/service/event.h"

#include "base/text.h"
#include "planner/service/db_event.h"
#include "planner/service/hub.h"
#include "planner/service/service_own.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/banned.h"

enum { EVENT_TEXT_MAX = 512 };

int event_note(struct service *svc, const char *kind, const char *who, const char *object,
               struct err *err, const char *fmt, ...)
{
    char text[EVENT_TEXT_MAX];
    const struct db_event event = {
        .at_ms = clock_wall_ms(svc->clock),
        .kind = kind,
        .who = who,
        .address = svc->own && svc->own->caller ? svc->own->caller : "",
        .object = object,
        .text = text,
    };
    va_list args;
    int r;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    text_sanitize(text);
    r = db_event_add(svc->db, &event, err);
    if (r < 0)
        return err_add(err, r, "note event %s", kind);
    hub_notify(svc->hub, "events");
    return 0;
}
