/* SPDX-License-Identifier: Apache-2.0 */
/* The little that all of the agent's threads do to their context. */
#include "agent/agent.h"

#include "base/banned.h"

void agent_contact(struct agent *a)
{
    atomic_store(&a->contact_mono_ms, clock_mono_ms(a->clock));
}
