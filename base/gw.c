/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalogue: what each error means to a user and what to do next. Words in capitals inside a
 * command are for the reader to fill in; everything else can be pasted.
 */
#include "base/gw.h"

#include "base/auto.h"
#include "base/err.h"

#include "base/banned.h"

/* Ascending, so that gw_find may search by halves; lint_catalogue and unit_gw check it. */
static const struct gw_row rows[] = {
    {GW_USAGE, GW_EXIT_USAGE, "the command line is not understood",
     "A verb or flag is unknown, an argument is missing, or there is one too many.",
     "godwit help\ngodwit VERB -h"},
    {GW_BAD_VALUE, GW_EXIT_USAGE, "a value does not parse or is out of range",
     "The message says which one, and what it may be; nothing was done with it.", "godwit VERB -h"},
    {GW_BAD_CONFIG, GW_EXIT_USAGE, "a configuration file is wrong",
     "The message names the file and the line. Sections stand in brackets, keys are key = value.",
     "godwit config show --origin"},
    {GW_BAD_DOCUMENT, GW_EXIT_USAGE, "a document is malformed or of another kind",
     "It does not parse, a member or a column is missing or of the wrong kind, or its schema "
     "member "
     "names another document or version.",
     "Mend what is named, at its line and column where they are told\ngodwit help json"},
    {GW_NEEDS_CONFIRM, GW_EXIT_USAGE, "an action was not confirmed",
     "Nobody is asked without a terminal: a script agrees with --yes, and to what cannot be undone "
     "with --confirm=NAME, the name of its object. Nothing was changed.",
     "Repeat the command with the flag that the message names, or with --dry-run."},
    {GW_NO_CONTEXT, GW_EXIT_USAGE, "no planner is configured",
     "No flag, environment variable or configuration file says which planner to talk to.",
     "godwit context ls\ngodwit init\ngodwit context add NAME --server https://HOST:7443\ngodwit "
     "demo"},
    {GW_BAD_NAME, GW_EXIT_USAGE, "the name cannot be used",
     "Names have letters, digits, '.', '_' and '-', and begin with a letter or digit.",
     "godwit VERB -h"},
    {GW_SECRET, GW_EXIT_AUTH, "the secret cannot be had from there",
     "The file, variable, credential or program that was named as its source gives none: it is "
     "missing, empty, no regular file, or ended with a failure.",
     "Name another source: a file of mode 0600, env:VARIABLE, cred:NAME or cmd:PROGRAM."},
    {GW_BAD_FILE, GW_EXIT_USAGE, "it is not a regular file",
     "A directory, a device, a socket or a FIFO stands where a file is expected.", "ls -ld PATH"},
    {GW_NO_MEMORY, GW_EXIT_FAILED, "memory ran out",
     "The system or a limit of this process refused an allocation. Nothing half-done was kept.",
     "free -m\nulimit -v"},
    {GW_NO_SPACE, GW_EXIT_FAILED, "the disk is full",
     "What was to be written does not fit. A file that is not whole was not kept, and what was "
     "stored before is still whole. A volume that was being restored is part one thing and part "
     "the other until the same command ends well: it goes on from there.",
     "df -h\ndf -i"},
    {GW_IO, GW_EXIT_FAILED, "reading or writing failed",
     "The operating system reported an error of a device or file system.",
     "dmesg --level=err,warn | tail -20"},
    {GW_DENIED, GW_EXIT_AUTH, "the operating system refused",
     "This user may not read, write or do what the message names.", "id\nls -ld PATH"},
    {GW_UNREACHABLE, GW_EXIT_UNREACHABLE, "there was no answer in time",
     "The other side refused the connection, closed it, or did not answer before the timeout. "
     "Trying again later may succeed.",
     "godwit doctor"},
    {GW_NOT_FOUND, GW_EXIT_NOT_FOUND, "there is no such file or object",
     "The name in the message does not exist, or not any more.",
     "Look at what there is: ls -ld PATH, godwit context ls, or godwit help."},
    {GW_IN_USE, GW_EXIT_LOCKED, "somebody else is using it",
     "Another process or operation holds what the message names. Trying again later may succeed.",
     "godwit op ls\nfuser -v PATH"},
    {GW_STOPPED, GW_EXIT_FAILED, "stopped before the end",
     "The program was asked to stop. What was finished is kept, and the same command goes on from "
     "there.",
     "Repeat the command."},
    {GW_INTERNAL, GW_EXIT_FAILED, "something failed that has no entry of its own",
     "The message says what is known. If it makes no sense, it is a defect of the program.",
     "Repeat the command with -vv and report the message with the output of: godwit --version -o "
     "json"},
    {GW_TOKEN_BAD, GW_EXIT_AUTH, "the join token is not valid",
     "It is malformed, unknown, expired, used up or revoked. Tokens work once, for one hour, "
     "unless made otherwise.",
     "godwit token create --ttl 1h"},
    {GW_PIN_MISMATCH, GW_EXIT_AUTH, "the planner's key is not the one in the token",
     "Whoever answered at that address is not the planner that made the token, or the planner has "
     "a new CA. The secret of the token was not sent.",
     "godwit token create\ngodwit doctor"},
    {GW_IDENTITY_TWICE, GW_EXIT_REFUSED, "one agent identity is used from two places",
     "A machine was cloned together with its agent's identity, its state directory was copied, or "
     "a key was stolen. The identity is quarantined, and neither agent gets orders, until somebody "
     "decides: stop the one that should not be, then let the other one come back.",
     "godwit host show HOST\ngodwit host rejoin HOST\n"
     "godwit-agent enrol --again --server URL --join FILE"},
    {GW_HOST_NOT_FOUND, GW_EXIT_NOT_FOUND, "there is no such host",
     "No agent has enrolled under this name.", "godwit host ls"},
    {GW_AGENT_NOT_SEEN, GW_EXIT_UNREACHABLE, "the agent has not been heard of",
     "The host is down, the agent is stopped, or the planner cannot be reached from there.",
     "godwit host show HOST\nssh HOST systemctl status godwit-agent"},
    {GW_PROBE_FAILED, GW_EXIT_PARTIAL, "part of the inventory could not be read",
     "A collector found its source missing, unreadable or malformed. The rest of the inventory is "
     "complete.",
     "godwit-agent inventory -o json"},
    {GW_IDENTITY_DAMAGED, GW_EXIT_AUTH, "the agent's identity cannot be read",
     "The file with its key and certificate is cut or altered. What the agent remembers of its "
     "workloads is in other files, and stays.",
     "godwit token create --host HOST\ngodwit-agent enrol --again --server URL --join FILE"},
    {GW_STORE_UNREACHABLE, GW_EXIT_UNREACHABLE, "the object store does not answer",
     "The address does not resolve, the connection fails, or the store keeps answering with errors "
     "of its own. Nothing is lost; the same command goes on where it stopped.",
     "godwit doctor"},
    {GW_STORE_DENIED, GW_EXIT_AUTH, "the object store refused the credentials",
     "The access key is missing, wrong or expired, may not do this, or the clocks differ by too "
     "much. A directory is not this user's, or is mounted read-only.",
     "S3: aws sts get-caller-identity, and date -u\nA directory: ls -ld DIR, and findmnt -T DIR"},
    {GW_STORE_CONFLICT, GW_EXIT_FAILED, "an object that is written once exists with other bytes",
     "Two writers used the same name, or somebody changed the object. It was not overwritten.",
     "godwit replica verify STORE/NAME --full"},
    {GW_STORE_BAD_URL, GW_EXIT_USAGE, "the store's address is not understood",
     "Stores are file:///path, with the path from the root, and s3://bucket/prefix; the bucket "
     "must exist.",
     "godwit replica push --help"},
    {GW_STORE_UNTRUSTED, GW_EXIT_AUTH, "no TLS with the object store that can be trusted",
     "Its certificate is of a CA that this machine does not know, of another name, or not of this "
     "time; or what answers there speaks no TLS. Nothing was sent.",
     "Name the CA: --ca-file FILE, AWS_CA_BUNDLE=FILE or ca_bundle of the profile\n"
     "openssl s_client -connect HOST:PORT </dev/null"},
    {GW_STORE_FULL, GW_EXIT_FAILED, "the object store is full, or a quota of it is used up",
     "It took no more. What it has is whole and stays, and the same command goes on from there "
     "once "
     "there is room.",
     "Raise the quota, or make room: godwit store usage STORE\ngodwit store gc STORE --yes"},
    {GW_VAULT_NEWER, GW_EXIT_USAGE, "the vault was written by a newer version",
     "Its format has a number that this program does not know. Nothing was changed. Where no newer "
     "version ever wrote, the object is damaged.",
     "godwit --version"},
    {GW_VAULT_KEY, GW_EXIT_AUTH, "the vault's key is wrong or missing",
     "The vault is encrypted and the key given does not open it, or none was found where it is "
     "looked for. Without the key its content cannot be read by anybody.",
     "Repeat the command with --key-file FILE, the file with the key the vault was made with, or "
     "with --no-encrypt if it was made without one.\n"
     "godwit key recover STORE -i IDENTITY"},
    {GW_VAULT_DAMAGED, GW_EXIT_MISMATCH, "an object of the vault is truncated or altered",
     "Its checksum or seal does not match. It was not used. A repair sends from the volume what it "
     "held; a restore point that cannot be read stays as it is, and a repair makes the next one.",
     "godwit replica verify STORE/NAME --full\ngodwit replica push VOLUME STORE/NAME --repair"},
    {GW_VAULT_MISSING, GW_EXIT_MISMATCH, "an object of the vault is gone",
     "A restore point names an object that the store does not have: it was deleted outside, or by "
     "a life-cycle rule of the bucket.",
     "godwit replica verify STORE/NAME --full\ngodwit replica push VOLUME STORE/NAME --repair"},
    {GW_VAULT_OLDER_HEAD, GW_EXIT_FAILED, "the vault went back in time",
     "Its head is older than one seen before: it was restored from a copy, or the store answers "
     "with old data. Going on could lose what was written since.",
     "godwit replica show STORE/NAME\nBring the newer store back; or, to go on from the older "
     "state as it is, repeat the command with --state-dir NEWDIR."},
    {GW_REPLICA_NOT_FOUND, GW_EXIT_NOT_FOUND, "there is no such replica or restore point",
     "The vault holds none under this name, or not any more: retention gives points up.",
     "godwit replica ls STORE\ngodwit replica show STORE/NAME"},
    {GW_REPLICA_LOCKED, GW_EXIT_LOCKED, "another writer holds the replica",
     "Somebody else is pushing to it, or committed points since this side did, or it has moved to "
     "a newer epoch and this side may not write any more. Wait for them; or make the volume what "
     "their newest point is (pull); or, when it is this volume that counts, go on on top of their "
     "points.",
     "godwit replica show STORE/NAME\ngodwit replica pull STORE/NAME VOLUME\n"
     "godwit replica push VOLUME STORE/NAME --take-over\ngodwit op ls"},
    {GW_NO_VAULT, GW_EXIT_NOT_FOUND, "there is no vault at this place",
     "The store can be reached, but nobody has pushed anything to this address. Perhaps it is "
     "misspelt, or one directory too high or too low: a name of two parts, as a planner's replicas "
     "have, is set off by two slashes (file:///backup//shop/data).",
     "godwit replica ls STORE\ngodwit replica push VOLUME STORE/NAME"},
    {GW_STATE_FOREIGN, GW_EXIT_REFUSED, "the state directory belongs to another replica",
     "It remembers what was sent to or written from another replica, or a vault that stood at this "
     "address before and was emptied or made anew. Nothing was changed.",
     "Repeat the command with --state-dir NEWDIR, or remove the directory in the message first."},
    {GW_PACK_DIFFERS, GW_EXIT_MISMATCH, "data was packed wrongly, twice",
     "What was compressed and sealed does not open to what was read. This machine's memory or "
     "processor makes errors. Nothing of it was sent, and the last restore point stands.",
     "dmesg | grep -iE 'mce|edac|hardware error'"},
    {GW_VOLUME_UNREADABLE, GW_EXIT_FAILED, "the volume cannot be read",
     "It does not exist, this user may not read it, or the device reports errors.",
     "lsblk\nls -l VOLUME\ndmesg --level=err,warn | tail -20"},
    {GW_VOLUME_CHANGED, GW_EXIT_FAILED, "the volume shrank, grew or vanished while in use",
     "What was read does not belong to one state, so no restore point was made of it.",
     "lsblk\ngodwit replica push VOLUME STORE/NAME"},
    {GW_VOLUME_BUSY, GW_EXIT_LOCKED, "the volume is in use",
     "It is mounted, or another program holds it open. Writing to it now would destroy data.",
     "findmnt --source VOLUME\nfuser -v VOLUME"},
    {GW_VOLUME_TOO_SMALL, GW_EXIT_REFUSED, "the volume is smaller than the replica",
     "Not everything would fit, so nothing was written.",
     "godwit replica show STORE/NAME\nlsblk -b VOLUME"},
    {GW_NOT_CONSISTENT, GW_EXIT_REFUSED, "no consistent point could be made",
     "The file systems could not be held still for long enough to read what had changed, or "
     "somebody writes to the volume below them. What was read before is in the vault, as fuzzy "
     "points.",
     "godwit replica show STORE/NAME\nGive it a longer --freeze, or try at a time with fewer "
     "writes"},
    {GW_VOLUME_SHRANK, GW_EXIT_REFUSED, "the volume is smaller than its newest restore point",
     "It lost its end, or it is another volume. A point of it would cut the copy on the other side "
     "to the same size, so none was made. Older points stay as they are.",
     "lsblk -b VOLUME\ngodwit replica show STORE/NAME\nIf it was made smaller on purpose: godwit "
     "replica push --shrink, or \"shrink\": true beside its device in the workload's document."},
    {GW_VOLUME_ALTERED, GW_EXIT_MISMATCH, "somebody else changed a volume that follows",
     "It was written, replaced or removed since it was equal to a restore point: mounted, booted "
     "from, or made anew. It is not followed into any more, and what is on it stays as it is.",
     "Find out who has it: findmnt --source VOLUME, fuser -v VOLUME\nThen overwrite what they "
     "wrote: godwit sync resync APP, or godwit replica pull STORE/NAME VOLUME"},
    {GW_STATE_DAMAGED, GW_EXIT_FAILED, "the state directory is damaged",
     "What it remembers cannot be read, so nothing of it is believed and nothing was changed. All "
     "of it is in the vault and the volume as well.",
     "Remove the directory in the message: the next push reads everything and sends what is "
     "missing, the next pull compares everything."},
    {GW_DATA_DIFFERS, GW_EXIT_MISMATCH, "the data differs",
     "The two sides were compared and are not equal; the message says where the first difference "
     "is.",
     "godwit replica verify STORE/NAME --full"},
    {GW_VOLUME_SHARED, GW_EXIT_REFUSED, "two volumes are one file or device",
     "Two paths lead to the same file or device by a link. Writing both would destroy the data of "
     "both, so the one that came later waits.",
     "ls -lLi PATH\ngodwit app ls\ngodwit app rm APP"},
    {GW_VOLUME_NOT_EMPTY, GW_EXIT_REFUSED, "the target holds data already",
     "The first copy would overwrite what is on the target, and this replica did not write it. "
     "Nothing was changed.",
     "lsblk -f PATH\nSet \"overwrite\": true for that volume's target in the workload's document "
     "and give it again, or name another device."},
    {GW_VAULT_PLAIN, GW_EXIT_AUTH, "the vault is not encrypted",
     "It was made without encryption, and a key, given or found, cannot open what has no lock. "
     "Nothing is read from it unless it is asked for as what it is.",
     "Repeat the command with --no-encrypt."},
    {GW_TRACKER_MISSED, GW_EXIT_MISMATCH, "the change tracker missed a change",
     "The scrub read blocks that the tracker called unchanged, and they had changed. Everything "
     "was read then, so the point is right; those of earlier passes since the change are not.",
     "godwit replica push VOLUME STORE/NAME --tracker scan\nReport it, with the kernel's version."},
    {GW_PARTLY_UNREADABLE, GW_EXIT_PARTIAL, "parts of the volume cannot be read",
     "The device reports errors for some sectors, also when they are read again. A restore point "
     "that was made of it is incomplete: there it holds what the point before it held, or zeroes, "
     "until a later pass can read them.",
     "godwit replica show STORE/NAME@POINT\ndmesg --level=err,warn | tail -20\nReplace the disk, "
     "or write the sectors anew from a backup: a disk then takes spare ones."},
    {GW_INCOMPLETE, GW_EXIT_REFUSED, "the restore point is incomplete",
     "Parts of its volume could not be read when it was made. What it holds there is older, or "
     "zeroes.",
     "godwit replica show STORE/NAME\nAn older point may be complete; or take this one as it is: "
     "godwit replica pull --allow-incomplete"},
    {GW_VAULT_OBJECT, GW_EXIT_MISMATCH, "the object that opens the vault is gone or damaged",
     "The object named vault says with which key, and how, everything else of the vault opens. A "
     "new one cannot take its place. The data beside it was not touched.",
     "Bring that one object back: from an earlier version of it (a bucket keeps them when asked "
     "to), or from a copy of the store.\nTo begin anew, push to another place: godwit replica push "
     "VOLUME STORE/NAME"},
    {GW_KEY_COPY, GW_EXIT_MISMATCH, "a copy of the vault's key is damaged",
     "What godwit key add put into the vault for people with identities of age is cut or altered. "
     "The vault and its key are as they were, and so are the other copies.",
     "godwit key ls STORE\nWhile somebody has the key: remove that object from the store, and then "
     "godwit key add STORE --recipient AGE --recipient AGE"},
    {GW_VAULT_OLD_DAMAGED, GW_EXIT_MISMATCH,
     "older restore points are damaged, the newest are whole",
     "Something that only older points need is gone or altered, and no push brings it back. What "
     "is newest can be restored. Points that are given up are not looked at any more.",
     "godwit store gc STORE --give-up NAME@FROM-TO --yes\ngodwit store check STORE"},
    {GW_VAULT_UNNAMED, GW_EXIT_NOT_FOUND, "the planner has named no vault",
     "An agent gets the address and the key of the vault from its planner, with what it "
     "replicates. "
     "Either the planner has no store, or the agent has not reached it since.",
     "godwit doctor\ngodwit init --store s3://BUCKET/PREFIX"},
    {GW_GATE_CLOSED, GW_EXIT_REFUSED, "a gate is closed",
     "A condition for the switch does not hold: lag, window, verification, test or plan. Nothing "
     "was changed.",
     "godwit status APP"},
    {GW_SWITCH_OPEN, GW_EXIT_LOCKED, "another switch of this workload is open",
     "A cutover or rollback of it has begun and not ended. One at a time.",
     "godwit op ls\ngodwit op attach OP"},
    {GW_FENCE_FAILED, GW_EXIT_HALFWAY, "a side could not be fenced",
     "It could not be shown that this side has stopped writing, so the other side was not allowed "
     "to begin.",
     "godwit op show OP\ngodwit host show HOST"},
    {GW_DIGEST_DIFFERS, GW_EXIT_MISMATCH, "the landing volume is not equal to the source",
     "The digests of the frozen source and of what was hydrated differ, so the switch was not "
     "made.",
     "godwit sync verify APP"},
    {GW_HEALTH_FAILED, GW_EXIT_ROLLED_BACK, "a health check failed",
     "The side that was started does not answer as it should. The end of the operation says which "
     "side serves now: taken back (exit 11), or left as it is for you to look at (exit 12).",
     "godwit test APP\ngodwit events --for APP"},
    {GW_HOOK_FAILED, GW_EXIT_ROLLED_BACK, "a hook failed",
     "A program that was configured for this step ended with a failure or took too long. The last "
     "line that it printed stands in the message, the rest is not kept.",
     "godwit op show OP"},
    {GW_ROLLED_BACK, GW_EXIT_ROLLED_BACK, "the cutover failed and was rolled back cleanly",
     "The source is serving again and nothing was lost.",
     "godwit op show OP\ngodwit events --for APP"},
    {GW_HALFWAY, GW_EXIT_HALFWAY, "stopped half-way, an operator is needed",
     "Neither going on nor going back is safe without a decision. No side writes that may not.",
     "godwit op show OP"},
    {GW_RECORD_DAMAGED, GW_EXIT_HALFWAY, "the record of who owns a workload is damaged",
     "Without it the agent cannot know whether the workload may run on this host, so it is fenced "
     "here and does not replicate until the record is whole. Other workloads go on.",
     "godwit status APP\nPut the named file back from a copy, or write it anew (godwit-agent(8), "
     "FILES), and restart the agent."},
    {GW_PLACES_FIXED, GW_EXIT_REFUSED, "the places of a replicated workload cannot change",
     "Its replicas are of these volumes, and its agents hold records of them. Everything else in "
     "its document may change.",
     "Give the document again with the volumes, hosts and devices it has: godwit app show APP -o "
     "json\nTo move it elsewhere, forget it first: godwit app rm APP"},
    {GW_NOT_NOW, GW_EXIT_REFUSED, "that is not done to a workload in this state",
     "The message says where it stands: replicated, finalized, not begun, or owned by the other "
     "side. Nothing was changed.",
     "godwit status APP\nWhat is replicated ends with godwit finalize APP, or with godwit app rm "
     "APP."},
    {GW_PLAN_STALE, GW_EXIT_REFUSED, "the plan is out of date",
     "Inventory, windows or rates changed since it was made, so it was not applied.",
     "godwit plan"},
    {GW_PLAN_IMPOSSIBLE, GW_EXIT_REFUSED, "no plan satisfies these conditions",
     "The data does not fit through the link in the time that the calendar leaves, or the order "
     "given contains a circle.",
     "godwit plan explain APP\ngodwit window ls"},
    {GW_BAD_CALENDAR, GW_EXIT_USAGE, "the calendar is not understood",
     "The file is not iCalendar, has no event, or a rule in it does not parse.",
     "godwit window import FILE.ics --dry-run"},
    {GW_BAD_WORKLOAD, GW_EXIT_USAGE, "the workload's document is not right",
     "A member is missing, unknown or of the wrong kind, or it names a host or volume that does "
     "not exist or belongs to another workload.",
     "godwit app show APP -o json\nman godwit-api shows every member: godwit.workload/1"},
    {GW_API_AUTH, GW_EXIT_AUTH, "the planner does not accept the credential",
     "The token or certificate is missing, wrong or expired.", "godwit context ls\ngodwit init"},
    {GW_API_FORBIDDEN, GW_EXIT_AUTH, "the credential does not reach that far",
     "It is valid, but not for this action or object.", "godwit context ls"},
    {GW_API_NOT_FOUND, GW_EXIT_NOT_FOUND, "the planner has no such object",
     "The name is misspelt, or the object is gone.",
     "godwit app ls\ngodwit host ls\ngodwit op ls\n"
     "godwit plan ls\ngodwit window ls\ngodwit token ls"},
    {GW_API_TOO_LARGE, GW_EXIT_USAGE, "the request is too large",
     "The planner bounds what one request may carry.", "Send fewer objects in one request."},
    {GW_API_UNREACHABLE, GW_EXIT_UNREACHABLE, "the planner does not answer",
     "Nobody listens at its address, something between drops the connection, or what answers there "
     "is another planner: its certificate is not of the CA that the context names.",
     "godwit context ls\nsystemctl status godwitd\ngodwit doctor"},
    {GW_API_CONFLICT, GW_EXIT_LOCKED, "somebody else changed it first",
     "The object is not any more what the request was based on, or the request id was used for "
     "another request.",
     "Look at the object again, then repeat the command."},
    {GW_API_NO_REQUEST, GW_EXIT_USAGE, "this is not a request to the planner",
     "What came is not HTTP/1.1 as its API speaks it: the request line, a header or the framing of "
     "the body is malformed, the headers are above 16 KiB, or the method is none that it knows.",
     "man godwit-api"},
    {GW_DB_DAMAGED, GW_EXIT_FAILED, "the planner's database is damaged",
     "It is gone or empty, or its integrity check failed, so the planner did not start. What is "
     "there was not changed.",
     "sqlite3 FILE 'PRAGMA integrity_check'\nBring the file back from a copy, with its -wal beside "
     "it."},
    {GW_DB_NEWER, GW_EXIT_FAILED, "the planner's database was written by a newer version",
     "Its schema has a number that this program does not know. The file was not changed.",
     "godwitd --version"},
};

const struct gw_row *gw_rows(size_t *ret_n)
{
    *ret_n = ARRAY_LEN(rows);
    return rows;
}

const struct gw_row *gw_find(unsigned number)
{
    size_t low = 0;
    size_t high = ARRAY_LEN(rows);

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if ((unsigned)rows[middle].number == number)
            return &rows[middle];
        if ((unsigned)rows[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static const struct {
    int errnum;
    enum gw gw;
} by_errno[] = {
    {EINVAL, GW_BAD_VALUE},
    {ERANGE, GW_BAD_VALUE},
    {ENAMETOOLONG, GW_BAD_VALUE},
    {ENOMEM, GW_NO_MEMORY},
    {ENOSPC, GW_NO_SPACE},
    {EDQUOT, GW_NO_SPACE},
    {EIO, GW_IO},
    {ENODATA, GW_IO},
    {EROFS, GW_IO},
    {EACCES, GW_DENIED},
    {EPERM, GW_DENIED},
    {ETIMEDOUT, GW_UNREACHABLE},
    {ECONNREFUSED, GW_UNREACHABLE},
    {ECONNRESET, GW_UNREACHABLE},
    {EPIPE, GW_UNREACHABLE},
    {ENETUNREACH, GW_UNREACHABLE},
    {EHOSTUNREACH, GW_UNREACHABLE},
    {ENOENT, GW_NOT_FOUND},
    {ENOTDIR, GW_NOT_FOUND},
    {ENXIO, GW_NOT_FOUND},
    {EBUSY, GW_IN_USE},
    {EAGAIN, GW_IN_USE},
    {ETXTBSY, GW_IN_USE},
    {ECANCELED, GW_STOPPED},
    {EINTR, GW_STOPPED},
};

const struct gw_row *gw_of(const struct err *err)
{
    const struct gw_row *row = err->gw ? gw_find(err->gw) : NULL;

    for (size_t i = 0; !row && i < ARRAY_LEN(by_errno); i++)
        if (by_errno[i].errnum == -err->code)
            row = gw_find(by_errno[i].gw);
    return row ? row : gw_find(GW_INTERNAL);
}
