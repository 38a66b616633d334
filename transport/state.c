/* SPDX-License-Identifier: Apache-2.0 */
/* The state directory: a lock, and one small JSON file that is replaced whole. */
#include "transport/state.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/gw.h"
#include "base/js.h"
#include "base/jsw.h"
#include "base/text.h"

#include <inttypes.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/banned.h"

enum { FILE_MAX = 16 * 1024 };

static const char schema[] = "godwit.replica-state/1";

static int damaged(struct err *err, const char *path)
{
    return err_add(err, err_set_gw(err, GW_STATE_DAMAGED, -EBADMSG, "it is damaged"), "'%s'", path);
}

static int hex_member(const struct js *obj, const char *key, uint8_t *out, size_t len)
{
    return text_unhex(js_str(obj, key, ""), out, len);
}

static int point_parse(const struct js *doc, const char *key, struct state_point *ret)
{
    const struct js *obj = js_member(doc, key);

    if (!obj || js_kind(obj) == JS_NULL)
        return 0;
    ret->seq = js_u64(obj, "seq", 0);
    ret->epoch = js_u64(obj, "epoch", 0);
    ret->size_bytes = js_u64(obj, "size_bytes", 0);
    if (ret->seq == 0 || hex_member(obj, "hash", ret->hash, sizeof(ret->hash)) < 0 ||
        hex_member(obj, "digest", ret->digest, sizeof(ret->digest)) < 0)
        return -EBADMSG;
    return 0;
}

static int parse(const struct js *doc, struct state *s)
{
    if (hex_member(doc, "vault", s->vault_id, VAULT_ID_LEN) < 0 ||
        text_copy(s->replica, sizeof(s->replica), js_str(doc, "replica", "")) < 0 ||
        text_copy(s->volume, sizeof(s->volume), js_str(doc, "volume", "")) < 0)
        return -EBADMSG;
    s->volume_bytes = js_u64(doc, "volume_bytes", 0);
    s->known_seq = js_u64(doc, "known_seq", 0);
    s->registered = js_bool(doc, "registered", false);
    s->care_position = js_u64(doc, "care_position", 0);
    s->heal = js_bool(doc, "heal", false);
    s->altered = js_bool(doc, "altered", false);
    s->unread = js_bool(doc, "unread", false);
    if (point_parse(doc, "equal", &s->equal) < 0)
        return -EBADMSG;
    return point_parse(doc, "applying", &s->applying);
}

static int path_in(const char *dir, const char *name, char *out, struct err *err)
{
    if (text_print(out, PATH_MAX, "%s/%s", dir, name) < 0)
        return err_set(err, -ENAMETOOLONG, "state directory '%s': %m", dir);
    return 0;
}

/* 0 with replica "" when there is no file yet. */
static int load(struct state *s, struct err *err)
{
    auto_buf struct buf text = {0};
    auto_js struct js *doc = NULL;
    char path[PATH_MAX];
    int rc = path_in(s->dir, "state.json", path, err);

    if (rc == 0)
        rc = fd_load(path, FILE_MAX, &text, err);
    if (rc == -ENOENT) {
        err_clear(err);
        return 0;
    }
    if (rc < 0)
        return rc;
    if (js_parse(buf_slice(&text), FILE_MAX, &doc, NULL) < 0 ||
        js_check_schema(doc, schema, NULL) < 0 || parse(doc, s) < 0)
        return damaged(err, path);
    return 0;
}

static int claim(struct state *s, const uint8_t *vault_id, const char *replica, struct err *err)
{
    if (!s->replica[0]) {
        memcpy(s->vault_id, vault_id, VAULT_ID_LEN);
        if (text_copy(s->replica, sizeof(s->replica), replica) < 0)
            return err_set_gw(err, GW_BAD_NAME, -EINVAL, "replica name '%s' is too long", replica);
        return 0;
    }
    if (!text_equal(s->replica, replica))
        return err_set_gw(err, GW_STATE_FOREIGN, -EINVAL, "it belongs to replica '%s', not '%s'",
                          s->replica, replica);
    if (memcmp(s->vault_id, vault_id, VAULT_ID_LEN) != 0)
        return err_set_gw(err, GW_STATE_FOREIGN, -EINVAL,
                          "it belongs to a replica of another vault: to go on, repeat the command "
                          "with --state-dir NEWDIR, or remove '%s'",
                          s->dir);
    return 0;
}

/* For whoever comes next, in the lock file, whose modification time says since when. A full disk is
 * no reason not to go on. */
static void sign_lock(int fd)
{
    char host[HOST_NAME_MAX + 1] = "";
    char text[HOST_NAME_MAX + 64];

    if (gethostname(host, sizeof(host) - 1) < 0 || !host[0])
        return;
    if (text_print(text, sizeof(text), "process %ld on %s", (long)getpid(), host) == 0 &&
        ftruncate(fd, 0) == 0)
        (void)!pwrite(fd, text, strlen(text), 0);
}

static int say_locked(const char *path, struct err *err)
{
    auto_buf struct buf text = {0};
    char since[TEXT_TIME_MAX];
    char who[HOST_NAME_MAX + 64];
    struct stat st;

    if (fd_load(path, sizeof(who) - 1, &text, NULL) < 0 || text.len == 0 || stat(path, &st) < 0 ||
        text_print(who, sizeof(who), "%.*s", (int)text.len, (const char *)text.data) < 0)
        return err_set_gw(err, GW_REPLICA_LOCKED, -EWOULDBLOCK, "another process is using it");
    text_sanitize(who);
    return err_set_gw(err, GW_REPLICA_LOCKED, -EWOULDBLOCK, "%s is using it since %s", who,
                      text_time((uint64_t)st.st_mtim.tv_sec * 1000, since));
}

static int lock(struct state *s, struct err *err)
{
    char path[PATH_MAX];
    int rc = path_in(s->dir, "lock", path, err);

    if (rc == 0)
        rc = fd_lock(path, &s->lock_fd, err);
    if (rc == -EWOULDBLOCK)
        return say_locked(path, err);
    if (rc == 0)
        sign_lock(s->lock_fd);
    return rc;
}

int state_open(const char *dir, const uint8_t *vault_id, const char *replica, struct state **ret,
               struct err *err)
{
    auto_state struct state *s = calloc(1, sizeof(*s));
    int rc;

    if (!s)
        return err_set(err, -ENOMEM, "state directory: %m");
    s->lock_fd = -1;
    s->dir = strdup(dir);
    if (!s->dir)
        return err_set(err, -ENOMEM, "state directory: %m");
    rc = fd_mkdirs(dir, 0700, err);
    if (rc == 0)
        rc = lock(s, err);
    if (rc == 0)
        rc = load(s, err);
    if (rc == 0)
        rc = claim(s, vault_id, replica, err);
    if (rc < 0)
        return err_add(err, rc, "state directory '%s'", dir);
    *ret = TAKE(s);
    return 0;
}

void state_close(struct state *s)
{
    if (!s)
        return;
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    free(s->dir);
    free(s);
}

static void point_write(struct jsw *w, const char *key, const struct state_point *p)
{
    if (p->seq == 0) {
        jsw_null(w, key);
        return;
    }
    jsw_obj(w, key);
    jsw_u64(w, "seq", p->seq);
    jsw_u64(w, "epoch", p->epoch);
    jsw_u64(w, "size_bytes", p->size_bytes);
    jsw_hex(w, "hash", p->hash, sizeof(p->hash));
    jsw_hex(w, "digest", p->digest, sizeof(p->digest));
    jsw_end(w);
}

int state_save(const struct state *s, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    auto_buf struct buf text = {0};
    char path[PATH_MAX];
    int rc = path_in(s->dir, "state.json", path, err);

    if (rc == 0)
        rc = jsw_new(&w, err);
    if (rc < 0)
        return rc;
    jsw_obj(w, NULL);
    jsw_str(w, "schema", schema);
    jsw_hex(w, "vault", s->vault_id, VAULT_ID_LEN);
    jsw_str(w, "replica", s->replica);
    jsw_str(w, "volume", s->volume);
    jsw_u64(w, "volume_bytes", s->volume_bytes);
    jsw_u64(w, "known_seq", s->known_seq);
    jsw_bool(w, "registered", s->registered);
    jsw_u64(w, "care_position", s->care_position);
    jsw_bool(w, "heal", s->heal);
    jsw_bool(w, "altered", s->altered);
    jsw_bool(w, "unread", s->unread);
    point_write(w, "equal", &s->equal);
    point_write(w, "applying", &s->applying);
    jsw_end(w);
    rc = jsw_finish(w, true, &text, err);
    if (rc == 0)
        rc = fd_save(path, buf_slice(&text), 0600, err);
    return rc < 0 ? err_add(err, rc, "state directory '%s'", s->dir) : 0;
}

void state_point_of(const struct replica_point *p, struct state_point *ret)
{
    *ret = (struct state_point){.seq = p->seq, .epoch = p->epoch, .size_bytes = p->size_bytes};
    memcpy(ret->hash, p->hash, sizeof(ret->hash));
    memcpy(ret->digest, p->digest, sizeof(ret->digest));
}

bool state_point_same(const struct state_point *a, const struct replica_point *b)
{
    return a->seq == b->seq && memcmp(a->hash, b->hash, sizeof(a->hash)) == 0;
}

/* What the kernel counts of writes to a device since it booted: fields 5 to 7 and, on newer
 * kernels, discards (Documentation/block/stat.rst). Moves with every write by anybody. */
static int device_stamp(dev_t dev, char *out, size_t size)
{
    auto_buf struct buf boot = {0};
    auto_buf struct buf counts = {0};
    auto_vec char **fields = NULL;
    char path[PATH_MAX];
    int rc;

    rc = text_print(path, sizeof(path), "/sys/dev/block/%u:%u/stat", major(dev), minor(dev));
    if (rc == 0)
        rc = fd_load_proc("/proc/sys/kernel/random/boot_id", 64, &boot, NULL);
    if (rc == 0)
        rc = fd_load_proc(path, 1024, &counts, NULL);
    if (rc == 0 && (!buf_cstr(&boot) || !buf_cstr(&counts)))
        rc = -ENOMEM;
    if (rc == 0)
        rc = text_split(buf_cstr(&counts), " \n", &fields, NULL);
    if (rc == 0 && text_vec_len(fields) < 11)
        rc = -EBADMSG;
    if (rc != 0)
        return rc;
    return text_print(out, size, "%.36s %s %s %s", buf_cstr(&boot), fields[4], fields[6],
                      text_vec_len(fields) > 13 ? fields[11] : "-");
}

/* Of what a server has, nothing here tells whether it was written. */
static bool is_export(const struct volume *v)
{
    return volume_is_export(volume_path(v));
}

/* Whatever moves when somebody writes the volume. */
static int describe(const struct volume *v, char *out)
{
    char stamp[STATE_TEXT_MAX];
    struct stat st;
    int rc;

    if (is_export(v))
        return text_print(out, STATE_TEXT_MAX, "%s -", volume_identity(v));
    if (stat(volume_path(v), &st) < 0)
        return -errno;
    if (S_ISBLK(st.st_mode))
        rc = device_stamp(st.st_rdev, stamp, sizeof(stamp));
    else
        /* Anybody may set the modification time back; only the kernel sets the change time. */
        rc = text_print(stamp, sizeof(stamp), "%" PRIi64 ".%09ld %" PRIi64 ".%09ld",
                        (int64_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (int64_t)st.st_ctim.tv_sec,
                        st.st_ctim.tv_nsec);
    return rc < 0 ? rc : text_print(out, STATE_TEXT_MAX, "%s %s", volume_identity(v), stamp);
}

int state_set_volume(struct state *s, const struct volume *v, struct err *err)
{
    int rc = describe(v, s->volume);

    if (rc < 0)
        return err_set(err, rc, "identity of volume '%s': %m", volume_path(v));
    s->volume_bytes = volume_size(v);
    s->altered = false;
    return 0;
}

bool state_touched(const struct state *s, const struct volume *v)
{
    char now[STATE_TEXT_MAX];

    return s->altered || is_export(v) || describe(v, now) < 0 || !text_equal(now, s->volume) ||
           volume_size(v) != s->volume_bytes;
}

bool state_same_volume(const struct state *s, const struct volume *v)
{
    const char *identity = volume_identity(v);

    return text_starts(s->volume, identity) && s->volume[strlen(identity)] == ' ' &&
           volume_size(v) == s->volume_bytes;
}
