/* SPDX-License-Identifier: Apache-2.0 */
/* cmds[]: one row a verb, in the order that help shows them. */
#include "cli/verbs.h"

#include "base/auto.h"

#include "base/banned.h"

/* clang-format off */
static const struct cmd cmds[] = {
    {"demo", "", 0, 0, cmd_demo, cmd_demo_opts,
     "the whole story on this machine, with proof; --down removes it",
     "godwit demo\n"
     "godwit demo --down",
     .takes = 0},
    {"init", "", 0, 0, cmd_init, cmd_init_opts,
     "a planner's CA, keys, database and your first context",
     "godwit init --store file:///srv/vault\n"
     "godwit init --store s3://acme-migration/idc1 --listen 10.0.0.5:7443",
     .takes = 0},
    {"doctor", "", 0, 0, cmd_doctor, NULL, "is the planner well",
     "godwit doctor\n"
     "godwit doctor -o json",
     .takes = 0},
    {"token create", "", 0, 0, cmd_token_create, cmd_token_create_opts, "a token with which an agent joins",
     "godwit token create\n"
     "godwit token create --host db-01 --ttl 15m",
     .takes = CMD_DRY_RUN},
    {"token ls", "", 0, 0, cmd_token_ls, NULL, "tokens, without their secrets",
     "godwit token ls\n"
     "godwit token ls -o json",
     .takes = CMD_WATCH},
    {"token revoke", "ID", 1, 1, cmd_token_revoke, NULL, "make a token useless",
     "godwit token revoke t-1f2e3d --yes\n"
     "godwit token revoke t-1f2e3d --dry-run",
     .takes = CMD_DRY_RUN | CMD_YES},
    {"host ls", "", 0, 0, cmd_host_ls, NULL, "all hosts, of agents and of lists",
     "godwit host ls\n"
     "godwit host ls -o wide",
     .takes = CMD_WATCH},
    {"host import", "FILE...", 1, 64, cmd_host_import, cmd_host_import_opts,
     "lists of machines, kept until agents enrol",
     "godwit host import vms.xlsx dependencies.csv\n"
     "godwit host import vms.xlsx dependencies.csv --out fleet.json\n"
     "ansible-inventory --list | godwit host import - --dry-run",
     .takes = CMD_DRY_RUN},
    {"host show", "HOST", 1, 1, cmd_host_show, NULL, "one host, its disks",
     "godwit host show db-01\n"
     "godwit host show db-01 -o json",
     .takes = CMD_WATCH},
    {"host rm", "HOST", 1, 1, cmd_host_rm, NULL, "forget a host; its certificates are refused",
     "godwit host rm db-01 --confirm=db-01\n"
     "godwit host rm db-01 --dry-run",
     .takes = CMD_DRY_RUN | CMD_CONFIRM},
    {"host rejoin", "HOST", 1, 1, cmd_host_rejoin, NULL, "end a quarantine: a token for one of the places",
     "godwit host rejoin db-01 --confirm=db-01\n"
     "godwit host rejoin db-01 --dry-run",
     .takes = CMD_DRY_RUN | CMD_CONFIRM},
    {"app ls", "", 0, 0, cmd_app_ls, NULL, "workloads",
     "godwit app ls\n"
     "godwit app ls -o name",
     .takes = CMD_WATCH},
    {"app show", "APP", 1, 1, cmd_app_show, NULL, "one workload and its document",
     "godwit app show shop\n"
     "godwit app show shop -o yaml",
     .takes = CMD_WATCH},
    {"app edit", "APP", 1, 1, cmd_app_edit, cmd_app_edit_opts, "make or change a workload from a document",
     "godwit app edit shop --file shop.json\n"
     "godwit app edit shop --file shop.json --dry-run",
     .takes = CMD_DRY_RUN},
    {"app rm", "APP", 1, 1, cmd_app_rm, NULL, "forget a workload that is at its source",
     "godwit app rm shop --confirm=shop\n"
     "godwit app rm shop --dry-run",
     .takes = CMD_DRY_RUN | CMD_CONFIRM},
    {"window ls", "", 0, 0, cmd_window_ls, NULL, "windows and blackouts",
     "godwit window ls\n"
     "godwit window ls -o json",
     .takes = CMD_WATCH},
    {"window add", "FROM UNTIL", 2, 2, cmd_window_add, cmd_window_opts, "one window, times in RFC 3339",
     "godwit window add 2026-12-14T02:00:00Z 2026-12-14T04:00:00Z\n"
     "godwit window add 2026-11-30T18:00:00Z 2026-12-03T06:00:00Z --blackout --name month-end",
     .takes = CMD_DRY_RUN},
    {"window import", "FILE.ics", 1, 1, cmd_window_import, cmd_window_opts, "windows from iCalendar (RRULE, EXDATE, TZID)",
     "godwit window import nights.ics\n"
     "godwit window import freeze.ics --blackout",
     .takes = CMD_DRY_RUN},
    {"window rm", "WINDOW", 1, 1, cmd_window_rm, NULL, "take a window away",
     "godwit window rm freeze --yes\n"
     "godwit window rm w-12ab --dry-run",
     .takes = CMD_DRY_RUN | CMD_YES},
    {"plan", "", 0, 0, cmd_plan, cmd_plan_opts, "compute waves; nothing is applied",
     "godwit plan\n"
     "godwit plan --from input.json --link 1Gbit -o json\n"
     "godwit plan --from input.json --base plan.json --diff plan.json",
     .takes = CMD_DRY_RUN},
    {"plan ls", "", 0, 0, cmd_plan_ls, NULL, "the plans that are kept",
     "godwit plan ls\n"
     "godwit plan ls -o name",
     .takes = CMD_WATCH},
    {"plan show", "ID", 1, 1, cmd_plan_show, NULL, "one plan",
     "godwit plan show 7f3a91c2\n"
     "godwit plan show 7f3a91c2 -o json",
     .takes = CMD_WATCH},
    {"plan explain", "APP", 1, 1, cmd_plan_explain, cmd_plan_explain_opts, "why it is in its wave",
     "godwit plan explain shop\n"
     "godwit plan explain shop --from plan.json",
     .takes = 0},
    {"plan report", "", 0, 0, cmd_plan_report, cmd_plan_report_opts,
     "one page for who signs and who does: calendar, cost, map, rooms",
     "godwit plan report --from fleet.json --catalog aws.json --html report.html\n"
     "godwit plan report --from fleet.json --catalog aws.json --plan plan.json --blackout freeze.ics --html report.html",
     .takes = 0},
    {"catalog import", "FILE...", 1, 64, cmd_catalog_import, cmd_catalog_import_opts,
     "price lists (AWS, Azure, Alibaba, CSV) as one dated catalogue",
     "godwit catalog import AmazonEC2.json --region eu-west-1 --out aws.json\n"
     "godwit catalog import prices-1.json prices-2.json sizes.json --out azure.json",
     .takes = 0},
    {"catalog show", "FILE...", 1, 64, cmd_catalog_show, cmd_catalog_show_opts,
     "the shapes and prices of a catalogue",
     "godwit catalog show aws.json\n"
     "godwit catalog show prices.csv --provider aws --region us-east-1 -o csv",
     .takes = 0},
    {"groups", "", 0, 0, cmd_groups, cmd_groups_opts,
     "what moves together, by owners' words and by traffic",
     "godwit groups --from fleet.json\n"
     "godwit groups --from vms.csv --from dependencies.csv -o dot | dot -Tsvg >groups.svg",
     .takes = CMD_DOT},
    {"assess", "", 0, 0, cmd_assess, cmd_assess_opts,
     "what becomes of each workload, and what speaks against it",
     "godwit assess --from fleet.json\n"
     "godwit assess --from vms.csv --from use.json --app shop",
     .takes = 0},
    {"size", "", 0, 0, cmd_size, cmd_size_opts,
     "a shape for every host: what it needs, and why",
     "godwit size --from fleet.json --catalog aws.json\n"
     "godwit size --from vms.csv --from use.json --mgn import.csv -o csv",
     .takes = 0},
    {"cost", "", 0, 0, cmd_cost, cmd_cost_opts,
     "stay, move, moved: month by month, by workload, by head",
     "godwit cost --from fleet.json --catalog aws.json\n"
     "godwit cost --from fleet.json --catalog aws.json --rates rates.json --by workload -o csv",
     .takes = 0},
    {"cost rates", "", 0, 0, cmd_cost_rates, cmd_cost_rates_opts,
     "what a bill is made with, and where each figure is from",
     "godwit cost rates\n"
     "godwit cost rates -o json >rates.json",
     .takes = 0},
    {"consolidate", "", 0, 0, cmd_consolidate, cmd_consolidate_opts,
     "what does nothing, what shares a host, which hosts become free",
     "godwit consolidate --from fleet.json\n"
     "godwit consolidate --from fleet.json --show moves -o csv",
     .takes = 0},
    {"runway", "", 0, 0, cmd_runway, cmd_runway_opts,
     "when each pool is full, and after which step how much later",
     "godwit runway --from fleet.json --before last-year.json\n"
     "godwit runway --from fleet.json --growth 30 --plan plan.json",
     .takes = 0},
    {"burst", "", 0, 0, cmd_burst, cmd_burst_opts,
     "which workloads gain from both sides at a peak, and what it needs",
     "godwit burst --from fleet.json --peak 2\n"
     "godwit burst --from fleet.json --catalog aws.json -o json",
     .takes = 0},
    {"apply", "ID", 1, 1, cmd_apply, NULL, "do exactly that plan",
     "godwit apply 7f3a91c2\n"
     "godwit apply 7f3a91c2 --dry-run",
     .takes = CMD_DRY_RUN},
    {"sync ls", "", 0, 0, cmd_sync_ls, NULL,
     "every volume: does it get there, and what bounds it",
     "godwit sync ls -w\n"
     "godwit sync ls -o csv",
     .takes = CMD_WATCH},
    {"sync show", "APP", 1, 1, cmd_sync_show, cmd_sync_show_opts,
     "rates, lag against its target, points of each volume",
     "godwit sync show shop --explain\n"
     "godwit sync show shop -o json",
     .takes = CMD_WATCH},
    {"sync start", "APP", 1, 1, cmd_sync_start, NULL, "begin replication now, without a plan",
     "godwit sync start shop\n"
     "godwit sync start shop --dry-run",
     .takes = CMD_DRY_RUN},
    {"sync pause", "APP", 1, 1, cmd_sync_pause, NULL, "stop replication for a while",
     "godwit sync pause shop\n"
     "godwit sync pause shop --dry-run",
     .takes = CMD_DRY_RUN},
    {"sync resume", "APP", 1, 1, cmd_sync_resume, NULL, "go on",
     "godwit sync resume shop\n"
     "godwit sync resume shop --dry-run",
     .takes = CMD_DRY_RUN},
    {"sync limit", "APP RATE|none", 2, 2, cmd_sync_limit, cmd_sync_limit_opts,
     "how fast it may send",
     "godwit sync limit shop 20MiB\n"
     "godwit sync limit shop 20MiB --between 08:00-18:00\n"
     "godwit sync limit shop '08:00-18:00 20MiB, 100MiB'\n"
     "godwit sync limit shop none",
     .takes = CMD_DRY_RUN},
    {"sync verify", "APP", 1, 1, cmd_sync_verify, NULL, "compare digests of both sides",
     "godwit sync verify shop\n"
     "godwit sync verify shop --dry-run",
     .takes = CMD_DRY_RUN},
    {"sync resync", "APP", 1, 1, cmd_sync_resync, NULL,
     "make the other side equal again, over whatever was written there",
     "godwit sync resync shop --confirm=shop\n"
     "godwit sync resync shop --dry-run",
     .takes = CMD_DRY_RUN | CMD_CONFIRM},
    {"status", "[APP]", 0, 1, cmd_status, cmd_status_opts,
     "the dual-run: state, lag, gate, next action",
     "godwit status -w\n"
     "godwit status shop -o json",
     .takes = CMD_WATCH},
    {"test", "APP", 1, 1, cmd_test, NULL,
     "try the newest consistent point in isolation, with its health checks",
     "godwit test shop\n"
     "godwit test shop --detach",
     .takes = CMD_DRY_RUN | CMD_WAIT | CMD_DETACH},
    {"cutover", "APP", 1, 1, cmd_cutover, cmd_switch_opts,
     "move the right to write to the cloud",
     "godwit cutover shop --dry-run\n"
     "godwit cutover shop --confirm=shop --max-lag 30s",
     .takes = CMD_SWITCH},
    {"rollback", "APP", 1, 1, cmd_rollback, cmd_switch_opts,
     "bring it back, the cloud's writes included",
     "godwit rollback shop --dry-run\n"
     "godwit rollback shop --confirm=shop",
     .takes = CMD_SWITCH},
    {"finalize", "APP", 1, 1, cmd_finalize, NULL,
     "end the dual-run: the way back is gone then",
     "godwit finalize shop --dry-run\n"
     "godwit finalize shop --confirm=shop",
     .takes = CMD_SWITCH},
    {"op ls", "", 0, 0, cmd_op_ls, cmd_op_ls_opts, "operations, live and past",
     "godwit op ls\n"
     "godwit op ls --for shop",
     .takes = CMD_WATCH},
    {"op show", "OP", 1, 1, cmd_op_show, NULL, "an operation's journal",
     "godwit op show op-12ab34cd56\n"
     "godwit op show op-12ab34cd56 -o json",
     .takes = CMD_WATCH},
    {"op attach", "OP", 1, 1, cmd_op_attach, NULL, "follow an operation again",
     "godwit op attach op-12ab34cd56\n"
     "godwit op attach op-12ab34cd56 -o jsonl",
     .takes = CMD_WAIT},
    {"op abort", "OP", 1, 1, cmd_op_abort, NULL, "ask for its abort, until it is decided",
     "godwit op abort op-12ab34cd56\n"
     "godwit op abort op-12ab34cd56 --dry-run",
     .takes = CMD_DRY_RUN},
    {"op resolve", "OP", 1, 1, cmd_op_resolve, NULL, "what ended halfway was looked after",
     "godwit op resolve op-12ab34cd56\n"
     "godwit op resolve op-12ab34cd56 --dry-run",
     .takes = CMD_DRY_RUN},
    {"events", "", 0, 0, cmd_events, cmd_events_opts, "who did what, to which, from where",
     "godwit events --for shop --since 1h\n"
     "godwit events -w",
     .takes = CMD_WATCH},
    {"replica push", "VOLUME STORE/NAME", 2, 2, cmd_replica_push, cmd_replica_push_opts,
     "seed or delta of a disk or image into a vault",
     "godwit replica push /var/lib/vm/web.img file:///backup/web\n"
     "godwit replica push /dev/vg0/pg s3://acme-migration/idc1/pg --limit 20MiB\n"
     "godwit replica push /dev/vg0/pg file:///backup/pg --consistent",
     .takes = 0},
    {"replica together", "STORE VOLUME=NAME...", 2, 33, cmd_replica_together,
     cmd_replica_together_opts, "consistent points of several volumes at one moment",
     "godwit replica together file:///backup /dev/vg0/pg=data /dev/vg0/wal=wal\n"
     "godwit replica together s3://acme/idc1 /dev/vdb=data /dev/vdc=wal --freeze 500ms",
     .takes = 0},
    {"replica pull", "STORE/NAME[@POINT] VOLUME", 2, 2, cmd_replica_pull, cmd_replica_pull_opts,
     "restore a point; writes only what differs",
     "godwit replica pull file:///backup/web /var/lib/vm/web.img\n"
     "godwit replica pull s3://acme-migration/idc1/pg@12 /dev/vdb",
     .takes = 0},
    {"replica ls", "STORE", 1, 1, cmd_replica_ls, cmd_replica_look_opts,
     "the replicas of a vault",
     "godwit replica ls file:///backup\n"
     "godwit replica ls s3://acme-migration/idc1 -o json",
     .takes = 0},
    {"replica show", "STORE/NAME[@POINT]", 1, 1, cmd_replica_show, cmd_replica_look_opts,
     "the restore points of a replica",
     "godwit replica show file:///backup/web\n"
     "godwit replica show file:///backup/web@3 -o yaml",
     .takes = 0},
    {"replica verify", "STORE/NAME[@POINT]", 1, 1, cmd_replica_verify, cmd_replica_verify_opts,
     "read back and check; exit 9 names each difference",
     "godwit replica verify file:///backup/web --full\n"
     "godwit replica verify file:///backup/web --against /var/lib/vm/web.img",
     .takes = 0},
    {"replica follow", "STORE/NAME VOLUME", 2, 2, cmd_replica_follow, cmd_replica_follow_opts,
     "keep a volume equal to the newest point",
     "godwit replica follow s3://acme-migration/idc1/web /dev/vdb\n"
     "godwit replica follow file:///backup/web standby.img --once -o jsonl",
     .takes = CMD_WAIT},
    {"replica serve", "STORE/NAME[@POINT]", 1, 1, cmd_replica_serve, cmd_replica_serve_opts,
     "a point as a block device over NBD, fetched as it is read",
     "godwit replica serve s3://acme-migration/idc1/web\n"
     "godwit replica serve file:///backup/web@3 --port 10809 --cache /var/cache/web --prefetch",
     .takes = 0},
    {"replica digest", "VOLUME", 1, 1, cmd_replica_digest, cmd_replica_digest_opts,
     "the canonical digest of a local volume",
     "godwit replica digest /var/lib/vm/web.img\n"
     "godwit replica digest /dev/vdb --size 10GiB",
     .takes = 0},
    {"key add", "STORE", 1, 1, cmd_key_add, cmd_key_add_opts,
     "keep the vault's key in it, for recipients of age",
     "godwit key add file:///backup --recipient age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p "
     "--recipient age1lvyvwawkr0mcnnnncaghunadrqkmuf9e6507x9y920xxpp866cnql7dp2z\n"
     "godwit key add s3://acme-migration/idc1 --recipient AGE1 --recipient AGE2 --copy key.age",
     .takes = 0},
    {"key ls", "STORE", 1, 1, cmd_key_ls, cmd_key_ls_opts, "the copies of its key that a vault keeps",
     "godwit key ls file:///backup\n"
     "godwit key ls s3://acme-migration/idc1 -o json",
     .takes = 0},
    {"key recover", "STORE", 1, 1, cmd_key_recover, cmd_key_recover_opts,
     "get the vault's key back with an identity of age",
     "godwit key recover file:///backup -i identity.txt\n"
     "godwit key recover s3://acme-migration/idc1 -i identity.txt --to /root/vault.key",
     .takes = 0},
    {"store show", "STORE", 1, 1, cmd_store_show, cmd_store_opts, "what a vault is, and its retention",
     "godwit store show file:///backup\n"
     "godwit store show s3://acme-migration/idc1 -o json",
     .takes = 0},
    {"store usage", "STORE", 1, 1, cmd_store_usage, cmd_store_usage_opts,
     "objects and bytes by kind and replica",
     "godwit store usage file:///backup\n"
     "godwit store usage s3://acme-migration/idc1 --price 0.023",
     .takes = 0},
    {"store check", "STORE", 1, 1, cmd_store_check, cmd_store_check_opts,
     "is all there that points need; exit 9 if not",
     "godwit store check file:///backup\n"
     "godwit store check s3://acme-migration/idc1 --full",
     .takes = 0},
    {"store gc", "STORE", 1, 1, cmd_store_gc, cmd_store_gc_opts,
     "what retention and garbage allow to delete",
     "godwit store gc file:///backup --keep-last 3 --keep-daily 7\n"
     "godwit store gc s3://acme-migration/idc1 --yes",
     .takes = CMD_DRY_RUN | CMD_YES},
    {"context ls", "", 0, 0, cmd_context_ls, NULL, "the planners that you know",
     "godwit context ls\n"
     "godwit context ls -o wide",
     .takes = 0},
    {"context add", "NAME", 1, 1, cmd_context_add, cmd_context_opts, "remember a planner",
     "godwit context add idc1 --server https://planner:7443 --ca-file ca.pem --token-file ~/.godwit-token\n"
     "godwit context add idc1 --server https://planner:7443 --ca-pin PIN --token-file env:TOKEN",
     .takes = CMD_DRY_RUN},
    {"context use", "NAME", 1, 1, cmd_context_use, NULL, "which one other verbs speak to",
     "godwit context use idc1\n"
     "godwit -c idc1 status",
     .takes = 0},
    {"context rm", "NAME", 1, 1, cmd_context_rm, NULL, "forget one",
     "godwit context rm idc1\n"
     "godwit context ls",
     .takes = 0},
    {"config show", "", 0, 0, cmd_config_show, cmd_config_opts, "what is configured",
     "godwit config show --origin\n"
     "godwit config show -o json",
     .takes = 0},
    {"completion", "SHELL", 1, 1, cmd_completion, NULL, "completion for bash, zsh or fish",
     "godwit completion bash >/etc/bash_completion.d/godwit\n"
     "godwit completion fish >~/.config/fish/completions/godwit.fish",
     .takes = 0},
    {"explain", "GW-NNNN", 1, 1, cmd_explain, NULL,
     "what an error means, and what to do",
     "godwit explain GW-3011\n"
     "godwit explain GW-4101 -o json",
     .takes = 0},
    {"help", "[TOPIC]", 0, 1, cmd_help, NULL,
     "topics: exit-codes, json, environment",
     "godwit help exit-codes\n"
     "godwit help json",
     .takes = 0},
};
/* clang-format on */

const struct cmd *verbs_rows(size_t *ret_n)
{
    *ret_n = ARRAY_LEN(cmds);
    return cmds;
}
