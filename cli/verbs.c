/* SPDX-License-Identifier: Apache-2.0 */
/* cmds[]: one row a verb, in the order that help shows them. */
#include "cli/verbs.h"

#include "base/auto.h"

#include "base/banned.h"

/* clang-format off */
static const struct cmd cmds[] = {
    {"host ls", "", 0, 0, cmd_host_ls, NULL, "hosts with an agent",
     "godwit host ls\n"
     "godwit host ls -o wide"},
    {"status", "[APP]", 0, 1, cmd_status, cmd_status_opts,
     "the dual-run: state, lag, gate, next action",
     "godwit status -w\n"
     "godwit status shop -o json"},
    {"test", "APP", 1, 1, cmd_test, NULL,
     "try the newest point in isolation, with its health checks",
     "godwit test shop\n"
     "godwit test shop --detach"},
    {"cutover", "APP", 1, 1, cmd_cutover, cmd_switch_opts,
     "move the right to write to the cloud",
     "godwit cutover shop --dry-run\n"
     "godwit cutover shop --confirm=shop --max-lag 30s"},
    {"rollback", "APP", 1, 1, cmd_rollback, cmd_switch_opts,
     "bring it back, the cloud's writes included",
     "godwit rollback shop --dry-run\n"
     "godwit rollback shop --confirm=shop"},
    {"finalize", "APP", 1, 1, cmd_finalize, NULL,
     "end the dual-run: the way back is gone then",
     "godwit finalize shop --dry-run\n"
     "godwit finalize shop --confirm=shop"},
    {"replica push", "VOLUME STORE/NAME", 2, 2, cmd_replica_push, cmd_replica_push_opts,
     "seed or delta of a disk or image into a vault",
     "godwit replica push /var/lib/vm/web.img file:///backup/web\n"
     "godwit replica push /dev/vg0/pg s3://acme-migration/idc1/pg --limit 20MiB"},
    {"replica pull", "STORE/NAME[@POINT] VOLUME", 2, 2, cmd_replica_pull, cmd_replica_pull_opts,
     "restore a point; writes only what differs",
     "godwit replica pull file:///backup/web /var/lib/vm/web.img\n"
     "godwit replica pull s3://acme-migration/idc1/pg@12 /dev/vdb"},
    {"replica ls", "STORE", 1, 1, cmd_replica_ls, cmd_replica_look_opts,
     "the replicas of a vault",
     "godwit replica ls file:///backup\n"
     "godwit replica ls s3://acme-migration/idc1 -o json"},
    {"replica show", "STORE/NAME[@POINT]", 1, 1, cmd_replica_show, cmd_replica_look_opts,
     "the restore points of a replica",
     "godwit replica show file:///backup/web\n"
     "godwit replica show file:///backup/web@3 -o yaml"},
    {"replica digest", "VOLUME", 1, 1, cmd_replica_digest, cmd_replica_digest_opts,
     "the canonical digest of a local volume",
     "godwit replica digest /var/lib/vm/web.img\n"
     "godwit replica digest /dev/vdb --size 10GiB"},
    {"explain", "GW-1234", 1, 1, cmd_explain, NULL,
     "what an error means, and what to do",
     "godwit explain GW-3011\n"
     "godwit explain GW-4101 -o json"},
    {"help", "[TOPIC]", 0, 1, cmd_help, NULL,
     "topics: exit-codes, json, environment",
     "godwit help exit-codes\n"
     "godwit help json"},
};
/* clang-format on */

const struct cmd *verbs_rows(size_t *ret_n)
{
    *ret_n = ARRAY_LEN(cmds);
    return cmds;
}
