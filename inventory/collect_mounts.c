/* SPDX-License-Identifier: Apache-2.0 */
/* Mounted file systems that hold data, from /proc/self/mountinfo, and how full they are. */
#include "inventory/collect.h"

#include "inventory/line.h"
#include "inventory/probe.h"

#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/jsw.h"
#include "base/text.h"

#include <stdlib.h>

#include "base/banned.h"

enum { MOUNTS_SEEN_MAX = 1024 };

/* Lent by the text of mountinfo, escapes and all. */
struct mount {
    struct slice dev, root, path, options, fs, source;
};

/* proc(5): id parent dev root path options [optional...] - fs source super-options */
static bool mount_parse(struct slice line, struct mount *m)
{
    struct slice word;

    if (!line_word(&line, &word) || !line_word(&line, &word) || !line_word(&line, &m->dev) ||
        !line_word(&line, &m->root) || !line_word(&line, &m->path) ||
        !line_word(&line, &m->options))
        return false;
    do {
        if (!line_word(&line, &word))
            return false;
    } while (!line_is(word, "-"));
    return line_word(&line, &m->fs) && line_word(&line, &m->source);
}

static bool is_one_of(struct slice s, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (line_is(s, names[i]))
            return true;
    }
    return false;
}

/* File systems of another host: they move by themselves, and asking how full they are may hang. */
static bool is_remote(struct slice fs)
{
    static const char *const names[] = {"nfs", "nfs4", "cifs",   "smb3",  "ceph",
                                        "afs", "gfs2", "lustre", "ocfs2", "9p"};

    return is_one_of(fs, names, ARRAY_LEN(names)) || line_starts(fs, "fuse.");
}

static bool is_data(const struct mount *m)
{
    static const char *const own_device[] = {"btrfs", "zfs", "bcachefs"};
    static const char *const images[] = {"squashfs", "iso9660", "udf", "erofs"};

    if (is_one_of(m->fs, images, ARRAY_LEN(images)))
        return false;
    if (line_is(m->path, "/") || is_one_of(m->fs, own_device, ARRAY_LEN(own_device)))
        return !line_is(m->fs, "rootfs");
    if (is_remote(m->fs))
        return !line_is(m->fs, "fuse.gvfsd-fuse") && !line_is(m->fs, "fuse.lxcfs");
    return !line_starts(m->dev, "0:");
}

/* Of the mounts of one file system, the one that shows its root stands for all. */
static bool is_first(const struct mount *all, size_t n, size_t at, uint64_t *ret_binds)
{
    size_t best = n;
    uint64_t same = 0;

    for (size_t i = 0; i < n; i++) {
        if (all[i].dev.len != all[at].dev.len ||
            memcmp(all[i].dev.data, all[at].dev.data, all[at].dev.len) != 0)
            continue;
        same++;
        if (best == n || (!line_is(all[best].root, "/") && line_is(all[i].root, "/")))
            best = i;
    }
    *ret_binds = same - 1;
    return best == at;
}

/* Three octal digits after a backslash at s[at], as a byte. */
static bool octal_at(struct slice s, size_t at, uint8_t *ret)
{
    unsigned v = 0;

    if (s.len - at <= 3 || s.data[at] != '\\' || s.data[at + 1] > '3')
        return false;
    for (size_t i = at + 1; i <= at + 3; i++) {
        if (s.data[i] < '0' || s.data[i] > '7')
            return false;
        v = v << 3 | (unsigned)(s.data[i] - '0');
    }
    *ret = (uint8_t)v;
    return true;
}

/* The kernel writes blanks and backslashes as octal digits. False when it does not fit. */
static bool unescape(struct slice s, char *out, size_t size)
{
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.data[i];

        if (n + 1 >= size)
            return false;
        if (octal_at(s, i, &c))
            i += 3;
        out[n++] = c ? (char)c : '?';
    }
    out[n] = '\0';
    return true;
}

static void put_space(struct probe *p, struct jsw *w, const char *path)
{
    struct probe_space s;

    if (probe_space(p, path, &s, NULL) < 0 || s.total_bytes > INT64_MAX ||
        s.used_bytes > s.total_bytes || s.available_bytes > s.total_bytes)
        return;
    jsw_u64(w, "total_bytes", s.total_bytes);
    jsw_u64(w, "used_bytes", s.used_bytes);
    jsw_u64(w, "available_bytes", s.available_bytes);
    if (s.inodes > 0 && s.inodes <= INT64_MAX && s.inodes_used <= s.inodes) {
        jsw_u64(w, "inodes", s.inodes);
        jsw_u64(w, "inodes_used", s.inodes_used);
    }
}

static bool put_mount(struct probe *p, struct jsw *w, const struct mount *m, uint64_t binds)
{
    char path[PROBE_PATH_MAX];
    char text[PROBE_PATH_MAX];
    struct slice options = m->options;

    if (!unescape(m->path, path, sizeof(path)) || path[0] != '/')
        return false;
    jsw_obj(w, NULL);
    (void)text_copy(text, sizeof(text), path);
    text_sanitize(text);
    jsw_str(w, "path", text);
    if (unescape(m->source, text, PROBE_TEXT_MAX)) {
        text_sanitize(text);
        jsw_str(w, "source", text);
    }
    collect_put_slice(w, "fs", m->fs);
    collect_put_slice(w, "dev", m->dev);
    if (!line_is(m->root, "/"))
        collect_put_slice(w, "root", m->root);
    if (line_is(line_until(&options, ','), "ro"))
        jsw_bool(w, "read_only", true);
    if (is_remote(m->fs))
        jsw_bool(w, "remote", true);
    else
        put_space(p, w, path);
    if (binds > 0)
        jsw_u64(w, "other_mounts", binds);
    jsw_end(w);
    return true;
}

static size_t parse_all(struct slice text, struct mount *all, uint64_t *ret_left_out)
{
    struct slice line;
    size_t n = 0;

    while (line_next(&text, &line)) {
        struct mount m;

        if (!mount_parse(line, &m) || !is_data(&m))
            continue;
        if (n < MOUNTS_SEEN_MAX)
            all[n++] = m;
        else
            (*ret_left_out)++;
    }
    return n;
}

int collect_mounts(struct probe *p, struct jsw *w, struct err *err)
{
    auto_buf struct buf b = {0};
    auto_free struct mount *all = calloc(MOUNTS_SEEN_MAX, sizeof(*all));
    uint64_t left_out = 0;
    uint64_t written = 0;
    uint64_t binds = 0;
    size_t n;
    int rc;

    if (!all)
        return err_set(err, -ENOMEM, "no memory for the mounts");
    rc = probe_read(p, "/proc/self/mountinfo", COLLECT_FILE_MAX_BYTES, &b, NULL, err);
    if (rc < 0)
        return rc;
    n = parse_all(buf_slice(&b), all, &left_out);
    jsw_arr(w, "list");
    for (size_t i = 0; i < n; i++) {
        if (!is_first(all, n, i, &binds))
            continue;
        if (written < COLLECT_MOUNTS_MAX && put_mount(p, w, &all[i], binds))
            written++;
        else
            left_out++;
    }
    jsw_end(w);
    jsw_u64(w, "left_out", left_out);
    return 0;
}
