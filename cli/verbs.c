/* SPDX-License-Identifier: Apache-2.0 */
/* cmds[]: one row a verb, in the order that help shows them. */
#include "cli/verbs.h"

#include "base/auto.h"

#include "base/banned.h"

static const struct cmd cmds[] = {
    {"host ls", "", 0, 0, cmd_host_ls, NULL, 0, "hosts with an agent",
     "godwit host ls\ngodwit host ls -o wide"},
    {"explain", "GW-1234", 1, 1, cmd_explain, NULL, 0, "what an error means, and what to do",
     "godwit explain GW-3011\ngodwit explain GW-4101 -o json"},
    {"help", "[TOPIC]", 0, 1, cmd_help, NULL, 0, "topics: exit-codes, json, environment",
     "godwit help exit-codes\ngodwit help json"},
};

const struct cmd *verbs_rows(size_t *ret_n)
{
    *ret_n = ARRAY_LEN(cmds);
    return cmds;
}
