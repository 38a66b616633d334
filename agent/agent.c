/* SPDX-License-Identifier: Apache-2.0 */
/* The little that all of the agent's threads do to their context. */
#include "agent/agent.h"

#include "base/text.h"

#include <unistd.h>

#include "base/banned.h"

void agent_contact(struct agent *a)
{
    atomic_store(&a->contact_mono_ms, clock_mono_ms(a->clock));
}

void agent_name_instance(struct agent *a)
{
    char host[ENROL_NAME_MAX + 1];
    uint8_t random[4];
    char hex[2 * sizeof(random) + 1];

    if (gethostname(host, sizeof(host)) < 0 || !text_is_name(host))
        (void)text_copy(host, sizeof(host), "-");
    rng_fill(a->rng, random, sizeof(random));
    (void)text_print(a->instance, sizeof(a->instance), "%s:%ld:%s", host, (long)getpid(),
                     text_hex(random, sizeof(random), hex));
}
