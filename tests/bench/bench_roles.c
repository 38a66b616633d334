/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How well roles are found on the labelled graph of "A Dataset of Networks of Computing Hosts".
 *
 *   bench_roles DIR [ALIKE]     the folder g21; percent
 *
 * groupings.gt.txt: a role on each line, hosts between commas. edges_96h_all_nodes.txt.gz: lines
 * "graph client server port'p'proto-packets,...". Prints the adjusted Rand index of the hosts that
 * have a label and are seen.
 */
#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/proc.h"
#include "base/text.h"
#include "planner/engine/role.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

enum { IDS_MAX = 4096, FILE_MAX = 256 << 20, PORTS_MAX = 1 << 24, PATH_SIZE = 4096 };

struct labelled {
    uint32_t label[IDS_MAX], host[IDS_MAX]; /* of an id: 0 none, else one more */
    uint32_t truth[IDS_MAX];                /* of a host */
    size_t hosts, n;
    struct role_port *ports;
};

/* Every label's ids; hosts get their numbers when they are first seen. */
static void read_labels(struct labelled *l, const char *at)
{
    for (uint32_t role = 1; *at; at++) {
        char *end;
        unsigned long id = strtoul(at, &end, 10);

        if (end > at && id < IDS_MAX)
            l->label[id] = role;
        at = end;
        role += *at == '\n';
        if (!*at)
            return;
    }
}

static void add(struct labelled *l, unsigned long id, uint32_t port, bool asked)
{
    if (id >= IDS_MAX || l->label[id] == 0 || l->n == PORTS_MAX)
        return;
    if (l->host[id] == 0) {
        l->truth[l->hosts] = l->label[id];
        l->host[id] = (uint32_t)++l->hosts;
    }
    l->ports[l->n++] = (struct role_port){l->host[id] - 1, port, asked};
}

static void read_line(struct labelled *l, const char *line)
{
    const char *at = strpbrk(line, " \t");
    char *end;
    unsigned long client, server;

    if (!at)
        return;
    client = strtoul(at, &end, 10);
    server = strtoul(end, &end, 10);
    while (*end && *end != '\n') {
        const char *from = ++end;
        unsigned long port = strtoul(from, &end, 10), proto = 0;

        if (*end == 'p')
            proto = strtoul(end + 1, &end, 10);
        add(l, client, (uint32_t)(port << 8 | (proto & 255)) & INT32_MAX, true);
        add(l, server, (uint32_t)(port << 8 | (proto & 255)) & INT32_MAX, false);
        end += strcspn(end, ",\n");
    }
}

static int load(const char *dir, struct labelled *l, struct err *err)
{
    char labels[PATH_SIZE], edges[PATH_SIZE];
    const char *const argv[] = {"gzip", "-dc", edges, NULL};
    struct proc_run run = {.argv = argv, .flags = PROC_STDERR_OURS};
    auto_buf struct buf truth = {0}, text = {.max = FILE_MAX};
    int status = 0, r = text_print(labels, sizeof(labels), "%s/groupings.gt.txt", dir);

    l->ports = calloc(PORTS_MAX, sizeof(*l->ports));
    if (!l->ports)
        return err_set(err, -ENOMEM, "ports: %m");
    if (r == 0)
        r = text_print(edges, sizeof(edges), "%s/edges_96h_all_nodes.txt.gz", dir);
    if (r == 0)
        r = fd_load(labels, IDS_MAX * 8, &truth, err);
    if (r == 0)
        r = proc_run(&run, &text, &status, err);
    if (r < 0)
        return r;
    if (status != 0 || !buf_cstr(&truth) || !buf_cstr(&text))
        return err_set(err, -EINVAL, "'%s' could not be read", edges);
    read_labels(l, buf_cstr(&truth));
    for (const char *at = buf_cstr(&text); at && *at; at = strchr(at, '\n')) {
        at += *at == '\n';
        read_line(l, at);
    }
    return 0;
}

static double choose2(double n)
{
    return n * (n - 1) / 2;
}

/* Hubert and Arabie, 1985, by counting pairs: there are few. */
static double rand_index(const struct labelled *l, const uint32_t *role)
{
    double both = 0, a = 0, b = 0, expected;

    for (size_t i = 0; i < l->hosts; i++) {
        for (size_t k = 0; k < i; k++) {
            a += l->truth[i] == l->truth[k];
            b += role[i] == role[k];
            both += l->truth[i] == l->truth[k] && role[i] == role[k];
        }
    }
    expected = a * b / choose2((double)l->hosts);
    return (both - expected) / ((a + b) / 2 - expected);
}

int main(int argc, char **argv)
{
    struct labelled *l = calloc(1, sizeof(*l));
    uint32_t role[IDS_MAX] = {0};
    struct err err = {0};
    uint64_t alike = 0;
    size_t n = 0;
    int r;

    if (!l || argc < 2 || argc > 3 ||
        (argc == 3 && num_parse_u64(argv[2], 1, 100, &alike, NULL) < 0)) {
        fprintf(stderr, "usage: bench_roles DIR [ALIKE]\n");
        free(l);
        return 2;
    }
    r = load(argv[1], l, &err);
    if (r == 0)
        r = role_find(l->hosts, l->ports, l->n, (unsigned)alike, role, &n, &err);
    if (r == 0)
        printf("%zu hosts, %zu roles, ARI %.3f\n", l->hosts, n, rand_index(l, role));
    else
        fprintf(stderr, "bench_roles: %s\n", err.text);
    free(l->ports);
    free(l);
    return r < 0;
}
