/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a secret from where its reference points. out gets its memory before the first byte, so
 * that no copy stays behind in freed memory.
 */
#include "base/secret.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/gw.h"
#include "base/proc.h"
#include "base/text.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/banned.h"

enum { SECRET_MAX = 64 * 1024, COMMAND_TIMEOUT_MS = 30000 };

/* Room for the largest secret and buf_cstr's NUL, at once. */
static int reserve(struct buf *out, struct err *err)
{
    uint8_t *at;

    if (buf_reserve(out, SECRET_MAX + 1, &at) < 0)
        return buf_failed(out, err);
    return 0;
}

static int check_private(int fd, const char *path, struct err *err)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return err_set(err, -errno, "stat '%s': %m", path);
    if (!S_ISREG(st.st_mode))
        return err_set_gw(err, GW_SECRET, -EINVAL, "secret '%s' is not a regular file", path);
    if (st.st_mode & (S_IRWXO | S_IWGRP))
        return err_set(err, -EPERM,
                       "secret '%s' has mode %04o: others can read or change it (chmod 600 '%s')",
                       path, (unsigned)st.st_mode & 07777, path);
    if (st.st_size > SECRET_MAX)
        return err_set_gw(err, GW_SECRET, -EFBIG, "secret '%s' has more than %d bytes", path,
                          SECRET_MAX);
    return 0;
}

static int read_bounded(int fd, const char *path, struct buf *out, struct err *err)
{
    size_t end = out->len + SECRET_MAX;
    uint8_t *at;
    ssize_t n;

    do {
        if (buf_reserve(out, end - out->len, &at) < 0)
            return buf_failed(out, err);
        n = read(fd, at, end - out->len);
        if (n < 0 && errno != EINTR)
            return err_set(err, -errno, "read '%s': %m", path);
        if (n > 0)
            buf_grow(out, (size_t)n);
    } while (n != 0 && out->len < end);
    return 0;
}

static int load_file(const char *path, struct buf *out, struct err *err)
{
    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int rc;

    if (fd < 0)
        return err_set_gw(err, errno == EACCES ? GW_DENIED : GW_SECRET, -errno,
                          "open secret '%s': %m", path);
    rc = check_private(fd, path, err);
    return rc < 0 ? rc : read_bounded(fd, path, out, err);
}

/* systemd's LoadCredential= puts them into a directory of the service's own. */
static int load_credential(const char *name, struct buf *out, struct err *err)
{
    const char *dir = getenv("CREDENTIALS_DIRECTORY");
    char path[PATH_MAX];

    if (!text_is_name(name))
        return err_set_gw(err, GW_BAD_NAME, -EINVAL, "'%.64s' is not the name of a credential",
                          name);
    if (!dir || !dir[0])
        return err_set_gw(err, GW_SECRET, -ENOENT,
                          "cred:%s: this is no systemd service with credentials", name);
    if (text_print(path, sizeof(path), "%s/%s", dir, name) < 0)
        return err_set(err, -ENAMETOOLONG, "cred:%s: %m", name);
    return load_file(path, out, err);
}

static int load_variable(const char *name, struct buf *out, struct err *err)
{
    const char *value = getenv(name);

    if (!value)
        return err_set_gw(err, GW_SECRET, -ENOENT, "env:%s is not set", name);
    if (strlen(value) > SECRET_MAX)
        return err_set(err, -EFBIG, "env:%s has more than %d bytes", name, SECRET_MAX);
    buf_str(out, value);
    return buf_failed(out, err);
}

/* Its first output line is not quoted in errors, its stderr goes to ours: for people. */
static int load_command(const char *command, struct buf *out, struct err *err)
{
    auto_vec char **argv = NULL;
    struct proc_run run = {.timeout_ms = COMMAND_TIMEOUT_MS, .flags = PROC_STDERR_OURS};
    int status;
    int rc = text_split(command, " ", &argv, err);

    if (rc < 0)
        return rc;
    if (!argv[0])
        return err_set_gw(err, GW_SECRET, -EINVAL, "cmd: names no program");
    run.argv = (const char *const *)argv;
    rc = proc_run(&run, out, &status, err);
    if (rc < 0) {
        if (err && rc != -ENOMEM)
            err->gw = GW_SECRET;
        return err_add(err, rc, "secret command");
    }
    if (status != 0)
        return err_set_gw(err, GW_SECRET, -EIO, "secret command '%s' ended with %d", argv[0],
                          status);
    return 0;
}

/* A path is not shown when nothing is there: somebody may have put the secret itself. */
static int load_relative(const char *path, struct buf *out, struct err *err)
{
    if (access(path, F_OK) < 0)
        return err_set_gw(err, GW_SECRET, -EINVAL,
                          "no such file; a secret is given as a file, file:/path, cred:NAME, "
                          "env:VARIABLE or cmd:PROGRAM");
    return load_file(path, out, err);
}

static int load(const char *ref, struct buf *out, struct err *err)
{
    if (ref[0] == '/')
        return load_file(ref, out, err);
    if (text_starts(ref, "file:"))
        return load_file(ref + strlen("file:"), out, err);
    if (text_starts(ref, "cred:"))
        return load_credential(ref + strlen("cred:"), out, err);
    if (text_starts(ref, "env:"))
        return load_variable(ref + strlen("env:"), out, err);
    if (text_starts(ref, "cmd:"))
        return load_command(ref + strlen("cmd:"), out, err);
    if (ref[0] && !strchr(ref, ':'))
        return load_relative(ref, out, err);
    return err_set_gw(err, GW_SECRET, -EINVAL,
                      "a secret is given as file:/path, cred:NAME, env:VARIABLE or cmd:PROGRAM");
}

int secret_load(const char *ref, struct buf *out, struct err *err)
{
    size_t before = out->len;
    int rc = reserve(out, err);

    if (rc == 0)
        rc = load(ref, out, err);
    if (rc == 0 && out->len > before && out->data[out->len - 1] == '\n')
        out->len--;
    if (rc == 0 && out->len == before)
        rc = err_set_gw(err, GW_SECRET, -EINVAL, "the secret is empty");
    if (rc < 0)
        out->len = before;
    return rc;
}
