/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of JSON to a socket and back. */
#include "transport/qmp.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/js.h"
#include "base/jsw.h"
#include "base/text.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/banned.h"

enum { ANSWER_S = 10, LINE_BYTES_MAX = 16 << 20, READ_BYTES = 4096, EVENTS_MAX = 10000 };

struct qmp {
    int fd;
    struct buf in; /* what came and was not looked at yet */
    size_t looked; /* its first line is not below */
};

static int set_deadlines(int fd)
{
    struct timeval t = {.tv_sec = ANSWER_S};

    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)) < 0)
        return -errno;
    return 0;
}

static int connect_to(struct qmp *q, const char *path, struct err *err)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    int rc = text_copy(sun.sun_path, sizeof(sun.sun_path), path);

    if (rc < 0)
        return err_set(err, rc, "monitor '%s': %m", path);
    q->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    rc = q->fd < 0 ? -errno : set_deadlines(q->fd);
    if (rc == 0 && connect(q->fd, (const struct sockaddr *)&sun, sizeof(sun)) < 0)
        rc = -errno;
    return rc < 0 ? err_set(err, rc, "monitor '%s': %m", path) : 0;
}

/* More bytes of the monitor. */
static int receive(struct qmp *q, struct err *err)
{
    uint8_t *at = NULL;
    ssize_t n;
    int rc = buf_reserve(&q->in, READ_BYTES, &at);

    if (rc < 0)
        return err_set(err, rc, "answer of a monitor: %m");
    do
        n = recv(q->fd, at, READ_BYTES, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return err_set(err, errno == EAGAIN ? -ETIMEDOUT : -errno, "answer of a monitor: %m");
    if (n == 0)
        return err_set(err, -ECONNRESET, "the monitor hung up");
    buf_grow(&q->in, (size_t)n);
    return 0;
}

/* One line, parsed. */
static int next_message(struct qmp *q, struct js **ret, struct err *err)
{
    const uint8_t *end;
    size_t len;
    int rc = 0;

    while (!(end = q->in.len > q->looked
                       ? memchr(q->in.data + q->looked, '\n', q->in.len - q->looked)
                       : NULL)) {
        q->looked = q->in.len;
        rc = receive(q, err);
        if (rc < 0)
            return rc;
    }
    len = (size_t)(end - q->in.data);
    rc = js_parse(slice_of(q->in.data, len), LINE_BYTES_MAX, ret, err);
    memmove(q->in.data, end + 1, q->in.len - len - 1);
    q->in.len -= len + 1;
    q->looked = 0;
    return rc < 0 ? err_add(err, rc, "answer of a monitor") : 0;
}

/* Events come whenever they like. */
static int answer(struct qmp *q, const char *command, struct js **ret, struct err *err)
{
    for (int i = 0; i < EVENTS_MAX; i++) {
        auto_js struct js *message = NULL;
        const struct js *value;
        int rc = next_message(q, &message, err);

        if (rc < 0)
            return rc;
        value = js_member(message, "error");
        if (value)
            return err_set(err, -EREMOTEIO, "%s: %s", command, js_str(value, "desc", "refused"));
        value = js_member(message, "return");
        if (!value)
            continue;
        if (ret)
            *ret = js_ref(value);
        return 0;
    }
    return err_set(err, -EBADMSG, "%s: the monitor speaks of other things", command);
}

int qmp_execute(struct qmp *q, const char *command, qmp_arguments_fn arguments, void *arg,
                struct js **ret, struct err *err)
{
    auto_jsw struct jsw *w = NULL;
    auto_buf struct buf line = {0};
    int rc = jsw_new(&w, err);

    if (rc < 0)
        return rc;
    jsw_obj(w, NULL);
    jsw_str(w, "execute", command);
    if (arguments) {
        jsw_obj(w, "arguments");
        arguments(arg, w);
        jsw_end(w);
    }
    jsw_end(w);
    rc = jsw_finish(w, false, &line, err);
    if (rc == 0)
        rc = buf_str(&line, "\n");
    if (rc == 0)
        rc = fd_write_full(q->fd, line.data, line.len, err);
    return rc < 0 ? err_add(err, rc, "%s", command) : answer(q, command, ret, err);
}

int qmp_open(const char *path, struct qmp **ret, struct err *err)
{
    auto_qmp struct qmp *q = calloc(1, sizeof(*q));
    auto_js struct js *greeting = NULL;
    int rc;

    if (!q)
        return err_set(err, -ENOMEM, "monitor '%s': %m", path);
    q->fd = -1;
    buf_init(&q->in, LINE_BYTES_MAX);
    rc = connect_to(q, path, err);
    if (rc == 0)
        rc = next_message(q, &greeting, err);
    if (rc == 0 && !js_member(greeting, "QMP"))
        rc = err_set(err, -EBADMSG, "'%s' is no monitor of QEMU", path);
    if (rc == 0)
        rc = qmp_execute(q, "qmp_capabilities", NULL, NULL, NULL, err);
    if (rc < 0)
        return err_add(err, rc, "monitor '%s'", path);
    *ret = TAKE(q);
    return 0;
}

void qmp_close(struct qmp *q)
{
    if (!q)
        return;
    if (q->fd >= 0)
        (void)close(q->fd);
    buf_done(&q->in);
    free(q);
}
