/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast a volume goes into a vault and back: bench_replica VOLUME DIR. Seed, unchanged pass,
 * one percent changed in 4 KiB writes, restore, digest; wall clock, CPU and peak memory of each.
 * DIR gets a copy of the volume, a vault and state directories, and is left for inspection.
 */
#include "base/clock.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/text.h"
#include "transport/replica.h"
#include "transport/volume.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/banned.h"

struct bench {
    const char *dir;
    uint64_t size;
    struct replica_progress progress;
    struct err err;
};

static int run(struct bench *b, const char *what, const char *image)
{
    static const uint8_t key[32] = {1};
    auto_vault struct vault *v = NULL;
    char url[PATH_MAX + 16];
    char path[PATH_MAX];
    char state[PATH_MAX];
    struct vault_conf conf = {.store = {.url = url}, .key = key, .create = true};
    struct replica_point point;
    uint8_t digest[32];
    int rc;

    text_print(url, sizeof(url), "file://%s/vault", b->dir);
    text_print(path, sizeof(path), "%s/%s", b->dir, image);
    text_print(state, sizeof(state), "%s/state-%s", b->dir, image);
    if (text_equal(what, "digest")) {
        struct replica_digest_run d = {.volume_path = path, .progress = &b->progress};

        return replica_digest(&d, digest, &b->err);
    }
    rc = vault_open(&conf, &v, &b->err);
    if (rc < 0)
        return rc;
    struct replica_run r = {.vault = v,
                            .name = "bench",
                            .volume_path = path,
                            .state_dir = state,
                            .progress = &b->progress};

    return text_equal(what, "pull") ? replica_pull(&r, &point, &b->err)
                                    : replica_push(&r, &point, &b->err);
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

/* In a child, so that memory and CPU are this step's alone. */
static int step(struct bench *b, const char *title, const char *what, const char *image)
{
    uint64_t start = clock_mono_ms(&clock_system);
    struct rusage use;
    int status = 1;
    double wall;
    double cpu;
    pid_t pid;

    fflush(stdout); /* else the child has a copy of what waits there */
    pid = fork();
    if (pid == 0) {
        int rc = run(b, what, image);

        if (rc < 0)
            fprintf(stderr, "%s: %s\n", title, b->err.text);
        else
            printf("%-22s sent %10" PRIu64 "  received %10" PRIu64, title,
                   (uint64_t)b->progress.sent_bytes, (uint64_t)b->progress.received_bytes);
        fflush(stdout);
        _exit(rc < 0);
    }
    if (pid < 0 || wait4(pid, &status, 0, &use) < 0 || status != 0)
        return -1;
    wall = (double)(clock_mono_ms(&clock_system) - start) / 1e3;
    cpu = seconds(use.ru_utime) + seconds(use.ru_stime);
    printf("  %6.2f s  %7.0f MB/s  %6.2f CPU s  %5.2f GB/CPU s  %4ld MiB\n", wall,
           (double)b->size / 1e6 / wall, cpu, (double)b->size / 1e9 / cpu, use.ru_maxrss / 1024);
    return 0;
}

static int copy(const char *from, const char *to)
{
    char *const argv[] = {(char[]){"cp"}, (char[]){"--sparse=auto"}, strdup(from), strdup(to),
                          NULL};
    int status = 1;
    pid_t pid = fork();

    if (pid == 0) {
        execvp("cp", argv);
        _exit(127);
    }
    free(argv[2]);
    free(argv[3]);
    return pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0 ? -1 : 0;
}

static int change(const struct bench *b, const char *path)
{
    auto_close int fd = open(path, O_WRONLY | O_CLOEXEC);
    uint8_t sector[4096];

    for (uint64_t i = 0; i < b->size / sizeof(sector) / 100; i++) {
        rng_fill(&rng_system, sector, sizeof(sector));
        if (fd_pwrite_full(fd, sector, sizeof(sector),
                           rng_below(&rng_system, b->size / sizeof(sector)) * sizeof(sector),
                           NULL) < 0)
            return -1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct bench b = {0};
    char path[PATH_MAX];
    struct stat st;

    if (argc != 3) {
        fprintf(stderr, "usage: bench_replica VOLUME EMPTY-DIR\n");
        return 2;
    }
    b.dir = argv[2];
    text_print(path, sizeof(path), "%s/vault", b.dir);
    if (fd_mkdirs(path, 0700, &b.err) < 0) {
        fprintf(stderr, "%s\n", b.err.text);
        return 1;
    }
    text_print(path, sizeof(path), "%s/a", b.dir);
    if (copy(argv[1], path) < 0 || stat(path, &st) < 0)
        return 1;
    b.size = (uint64_t)st.st_size;
    return step(&b, "seed", "push", "a") < 0 || step(&b, "unchanged", "push", "a") < 0 ||
           step(&b, "restore", "pull", "b") < 0 || step(&b, "digest", "digest", "b") < 0 ||
           change(&b, path) < 0 || step(&b, "1% changed, scanned", "push", "a") < 0 ||
           step(&b, "follow that", "pull", "b") < 0;
}
