/* SPDX-License-Identifier: Apache-2.0 */
/* Bind and listen. */
#include "cli/nbd_socket.h"

#include "base/auto.h"
#include "base/err.h"
#include "base/gw.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/banned.h"

enum { BACKLOG = 64 };

static int listen_at(int fd, const struct sockaddr *at, socklen_t len, const char *name,
                     struct err *err)
{
    if (bind(fd, at, len) == 0 && listen(fd, BACKLOG) == 0)
        return 0;
    return errno == EADDRINUSE ? err_set_gw(err, GW_IN_USE, -EADDRINUSE, "'%s': %m", name)
                               : err_set(err, -errno, "listen at '%s': %m", name);
}

/* A socket that nobody answers at is left over; anything else is somebody's. */
static int remove_stale(const struct sockaddr_un *at, struct err *err)
{
    auto_close int fd = -1;
    struct stat st;

    if (lstat(at->sun_path, &st) < 0)
        return 0;
    if (!S_ISSOCK(st.st_mode))
        return err_set_gw(err, GW_IN_USE, -EEXIST, "'%s' exists and is no socket", at->sun_path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_set(err, -errno, "socket: %m");
    if (connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0)
        return err_set_gw(err, GW_IN_USE, -EADDRINUSE, "'%s' is being served already",
                          at->sun_path);
    if (errno == ECONNREFUSED)
        unlink(at->sun_path);
    return 0;
}

/* "%" and what ends a query, escaped; else as it is. */
static int unix_uri(const char *path, char *uri)
{
    size_t n = 0;
    int rc = text_copy(uri, NBD_SOCKET_URI_MAX, "nbd+unix:///?socket=");

    n = strlen(uri);
    for (; rc == 0 && *path; path++) {
        bool plain = strchr("%#&+ ?", *path) == NULL;

        rc = text_print(uri + n, NBD_SOCKET_URI_MAX - n, plain ? "%c" : "%%%02X",
                        (unsigned)(unsigned char)*path);
        n += plain ? 1 : 3;
    }
    return rc;
}

int nbd_socket_unix(const char *path, int *ret_fd, char *uri, struct err *err)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    auto_close int fd = -1;
    int rc;

    if (text_copy(at.sun_path, sizeof(at.sun_path), path) < 0 || unix_uri(path, uri) < 0)
        return err_set_gw(err, GW_BAD_VALUE, -ENAMETOOLONG,
                          "'%s' is too long for a socket; --socket names a shorter one", path);
    rc = remove_stale(&at, err);
    if (rc < 0)
        return rc;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_set(err, -errno, "socket: %m");
    rc = listen_at(fd, (const struct sockaddr *)&at, sizeof(at), path, err);
    if (rc < 0)
        return rc;
    *ret_fd = fd;
    fd = -1;
    return 0;
}

int nbd_socket_tcp(uint16_t port, int *ret_fd, char *uri, struct err *err)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(at);
    auto_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    int rc;

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
        return err_set(err, -errno, "socket: %m");
    text_print(uri, NBD_SOCKET_URI_MAX, "127.0.0.1:%u", port);
    rc = listen_at(fd, (const struct sockaddr *)&at, sizeof(at), uri, err);
    if (rc == 0 && getsockname(fd, (struct sockaddr *)&at, &len) < 0)
        rc = err_set(err, -errno, "socket: %m");
    if (rc < 0)
        return rc;
    text_print(uri, NBD_SOCKET_URI_MAX, "nbd://127.0.0.1:%u", ntohs(at.sin_port));
    *ret_fd = fd;
    fd = -1;
    return 0;
}
