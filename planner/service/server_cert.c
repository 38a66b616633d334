/* SPDX-License-Identifier: Apache-2.0 */
/* Names of this machine, and the certificate that carries them. */
#include "planner/service/server_cert.h"

#include "base/crypto.h"
#include "base/fd.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <limits.h>
#include <netdb.h>
#include <sys/socket.h>

#include "base/banned.h"

enum { NAMES_MAX = 32, NAME_SIZE = 256, VALID_DAYS = 397, PEM_FILE_MAX = 64 * 1024 };

struct names {
    char text[NAMES_MAX][NAME_SIZE];
    const char *list[NAMES_MAX + 1];
    size_t n;
};

static void add_name(struct names *names, const char *name)
{
    for (size_t i = 0; i < names->n; i++)
        if (text_equal(names->text[i], name))
            return;
    if (names->n == NAMES_MAX || !name[0] || text_copy(names->text[names->n], NAME_SIZE, name) < 0)
        return;
    names->list[names->n] = names->text[names->n];
    names->n++;
}

static bool is_any(const char *address)
{
    return text_equal(address, "0.0.0.0") || text_equal(address, "::");
}

/* Listening everywhere means that agents may come by any address of this machine. */
static void add_addresses(struct names *names)
{
    struct ifaddrs *all = NULL;
    char text[INET6_ADDRSTRLEN];

    if (getifaddrs(&all) < 0)
        return;
    for (const struct ifaddrs *a = all; a; a = a->ifa_next) {
        const void *from = a->ifa_addr;

        if (!from || (a->ifa_addr->sa_family != AF_INET && a->ifa_addr->sa_family != AF_INET6))
            continue;
        if (getnameinfo(from,
                        a->ifa_addr->sa_family == AF_INET ? sizeof(struct sockaddr_in)
                                                          : sizeof(struct sockaddr_in6),
                        text, sizeof(text), NULL, 0, NI_NUMERICHOST) == 0 &&
            !strchr(text, '%'))
            add_name(names, text);
    }
    freeifaddrs(all);
}

static void find_names(const struct service_own *own, struct names *names)
{
    char host[NAME_SIZE] = "";

    *names = (struct names){0};
    if (is_any(own->address))
        add_addresses(names);
    else
        add_name(names, own->address);
    if (gethostname(host, sizeof(host) - 1) == 0)
        add_name(names, host);
    add_name(names, "localhost");
    add_name(names, "127.0.0.1");
    add_name(names, "::1");
}

static int path_of(const struct service_own *own, const char *name, char out[static PATH_MAX],
                   struct err *err)
{
    const int r = text_print(out, PATH_MAX, "%s/%s", own->conf.state_dir, name);

    return r < 0 ? err_set(err, r, "state directory: %m") : 0;
}

static int load(const struct service_own *own, const char *name, struct buf *out, struct err *err)
{
    char path[PATH_MAX];
    int r;

    r = path_of(own, name, path, err);
    return r < 0 ? r : fd_load(path, PEM_FILE_MAX, out, err);
}

static int save(const struct service_own *own, const char *name, struct slice body, struct err *err)
{
    char path[PATH_MAX];
    int r;

    r = path_of(own, name, path, err);
    return r < 0 ? r : fd_save(path, body, 0600, err);
}

static int sign(const struct service_own *own, const struct names *names, struct slice key,
                struct buf *ret_cert, struct err *err)
{
    auto_buf struct buf csr = {0};
    struct cert_issue issue = {
        .ca_cert_pem = buf_slice(&own->ca_cert),
        .ca_key_pem = buf_slice(&own->ca_key),
        .identity = "godwitd",
        .unit = "planner",
        .hosts = names->list,
        .now_ms = clock_wall_ms(own->service.clock),
        .valid_ms = (uint64_t)VALID_DAYS * 86400 * 1000,
    };
    int r;

    r = cert_request(key, "godwitd", &csr, err);
    if (r < 0)
        return r;
    issue.csr_pem = buf_slice(&csr);
    return cert_sign(&issue, ret_cert, err);
}

static int make(const struct service_own *own, const struct names *names, const char *joined,
                struct err *err)
{
    auto_buf struct buf key = {0};
    auto_buf struct buf cert = {0};
    int r;

    r = cert_key_new(&key, err);
    if (r == 0)
        r = sign(own, names, buf_slice(&key), &cert, err);
    if (r == 0)
        r = save(own, "server.key", buf_slice(&key), err);
    if (r == 0)
        r = save(own, "server.pem", buf_slice(&cert), err);
    /* The names last: without them the pair is made again. */
    if (r == 0)
        r = save(own, "server.names", slice_str(joined), err);
    crypto_wipe(key.data, key.len);
    return r;
}

/* Past half its life counts as old, so that a planner that is restarted now and then never has an
 * expired one. */
static bool is_old(const struct service_own *own, struct slice cert)
{
    uint64_t from = 0, until = 0;

    if (cert_validity(cert, &from, &until, NULL) < 0)
        return true;
    return clock_wall_ms(own->service.clock) > from + (until - from) / 2;
}

static void join(const struct names *names, struct buf *out)
{
    for (size_t i = 0; i < names->n; i++)
        (void)buf_printf(out, "%s\n", names->text[i]);
}

static bool is_good(const struct service_own *own, const char *joined)
{
    auto_buf struct buf cert = {0};
    auto_buf struct buf key = {0};
    auto_buf struct buf had = {0};

    return load(own, "server.names", &had, NULL) == 0 && text_equal(buf_cstr(&had), joined) &&
           load(own, "server.pem", &cert, NULL) == 0 && load(own, "server.key", &key, NULL) == 0 &&
           !is_old(own, buf_slice(&cert));
}

int server_cert_load(struct service_own *own, struct cert_server **ret, struct err *err)
{
    auto_free struct names *names = calloc(1, sizeof(*names));
    auto_buf struct buf joined = {0};
    auto_buf struct buf cert = {0};
    auto_buf struct buf key = {0};
    int r = 0;

    if (!names)
        return err_set(err, -ENOMEM, "server certificate: %m");
    find_names(own, names);
    join(names, &joined);
    r = buf_failed(&joined, err);
    if (r == 0 && !is_good(own, buf_cstr(&joined)))
        r = make(own, names, buf_cstr(&joined), err);
    if (r == 0)
        r = load(own, "server.pem", &cert, err);
    if (r == 0)
        r = load(own, "server.key", &key, err);
    if (r == 0)
        r = cert_server_new(buf_slice(&cert), buf_slice(&key), buf_slice(&own->ca_cert), ret, err);
    crypto_wipe(key.data, key.len);
    return r < 0 ? err_add(err, r, "server certificate") : 0;
}

int server_cert_until(const struct service_own *own, uint64_t *ret_ms, struct err *err)
{
    auto_buf struct buf cert = {0};
    uint64_t from;
    int r;

    r = load(own, "server.pem", &cert, err);
    return r < 0 ? r : cert_validity(buf_slice(&cert), &from, ret_ms, err);
}
