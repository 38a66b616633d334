/* SPDX-License-Identifier: Apache-2.0 */
/* Processors: model, sockets, cores, threads, architecture, clock, and the flags a move asks about.
 */
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

enum { CPU_THREADS_MAX = 8192 };

struct cpu_info {
    struct slice model, flags; /* lent by the text of cpuinfo */
    uint64_t mhz;              /* of the first thread, now; 0 unknown */
    uint64_t threads;
    bool is_arm64;
    uint64_t physical, core; /* of the thread that is being read */
    bool has_topology;
    uint64_t n_places;
    uint64_t places[CPU_THREADS_MAX]; /* physical id and core id of each thread */
};

static void take_line(struct cpu_info *c, struct slice line)
{
    struct slice v;

    if (line_value(line, "processor", ':', &v)) {
        c->threads++;
    } else if (c->model.len == 0 &&
               (line_value(line, "model name", ':', &v) || line_value(line, "cpu", ':', &v) ||
                line_value(line, "Hardware", ':', &v))) {
        c->model = v;
    } else if (c->flags.len == 0 &&
               (line_value(line, "flags", ':', &v) || line_value(line, "Features", ':', &v))) {
        c->flags = v;
    } else if (c->mhz == 0 && line_value(line, "cpu MHz", ':', &v)) {
        (void)line_u64(line_until(&v, '.'), 10, &c->mhz);
    } else if (line_value(line, "CPU architecture", ':', &v)) {
        c->is_arm64 = line_is(v, "8");
    } else if (line_value(line, "physical id", ':', &v)) {
        c->has_topology |= line_u64(v, 10, &c->physical);
    } else if (line_value(line, "core id", ':', &v)) {
        (void)line_u64(v, 10, &c->core);
    }
}

/* The blank line after each thread. */
static void take_end(struct cpu_info *c)
{
    if (c->has_topology && c->n_places < CPU_THREADS_MAX)
        c->places[c->n_places++] = (c->physical & UINT32_MAX) << 32 | (c->core & UINT32_MAX);
    c->physical = 0;
    c->core = 0;
}

static void take_text(struct cpu_info *c, struct slice rest)
{
    struct slice line;
    bool is_open = false;

    while (line_next(&rest, &line)) {
        if (line_trim(line).len == 0) {
            if (is_open)
                take_end(c);
            is_open = false;
            continue;
        }
        is_open = true;
        take_line(c, line);
    }
    if (is_open && c->has_topology && c->n_places < c->threads)
        take_end(c);
}

static int compare_places(const void *a, const void *b)
{
    const uint64_t *x = a;
    const uint64_t *y = b;

    return (*x > *y) - (*x < *y);
}

/* A machine that does not tell its topology (old guests, ARM) counts as one socket of whole cores.
 */
static void count_places(struct cpu_info *c, uint64_t *ret_sockets, uint64_t *ret_cores)
{
    uint64_t sockets = 0;
    uint64_t cores = 0;

    qsort(c->places, c->n_places, sizeof(c->places[0]), compare_places);
    for (size_t i = 0; i < c->n_places; i++) {
        cores += i == 0 || c->places[i] != c->places[i - 1];
        sockets += i == 0 || c->places[i] >> 32 != c->places[i - 1] >> 32;
    }
    *ret_sockets = c->n_places ? sockets : 1;
    *ret_cores = c->n_places ? cores : c->threads;
}

static void put_flags(struct jsw *w, struct slice flags)
{
    static const char *const wanted[] = {"lm",   "vmx",       "svm",    "hypervisor", "aes",
                                         "avx",  "avx2",      "sse4_2", "avx512f",    "sha_ni",
                                         "sha2", "pclmulqdq", "asimd",  "crc32",      "rdrand"};
    struct slice word;

    jsw_arr(w, "flags");
    while (line_word(&flags, &word)) {
        for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
            if (line_is(word, wanted[i]))
                jsw_str(w, NULL, wanted[i]);
        }
    }
    jsw_end(w);
}

static bool has_flag(struct slice flags, const char *flag)
{
    struct slice word;

    while (line_word(&flags, &word)) {
        if (line_is(word, flag))
            return true;
    }
    return false;
}

/*
 * The kernel's own word (Linux 6.1), else the end of its release ("3.10.0-1160.el7.x86_64"), else
 * what the processor can do.
 */
static void put_arch(struct probe *p, struct jsw *w, const struct cpu_info *c)
{
    static const char *const suffixes[][2] = {
        {".x86_64", "x86_64"}, {"-amd64", "x86_64"},    {".i686", "i686"},
        {"-686", "i686"},      {"-686-pae", "i686"},    {".aarch64", "aarch64"},
        {"-arm64", "aarch64"}, {".ppc64le", "ppc64le"}, {".s390x", "s390x"},
    };
    char text[PROBE_TEXT_MAX] = "";

    if (probe_text(p, text, sizeof(text), "/proc/sys/kernel/arch") == 0 && text[0]) {
        jsw_str(w, "arch", text);
        return;
    }
    (void)probe_text(p, text, sizeof(text), "/proc/sys/kernel/osrelease");
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        if (text_ends(text, suffixes[i][0])) {
            jsw_str(w, "arch", suffixes[i][1]);
            return;
        }
    }
    if (has_flag(c->flags, "lm"))
        jsw_str(w, "arch", "x86_64");
    else if (c->is_arm64)
        jsw_str(w, "arch", "aarch64");
    else if (has_flag(c->flags, "fpu"))
        jsw_str(w, "arch", "i686");
}

/* "Intel(R) Xeon(R) CPU E5-2637 v4 @ 3.50GHz": 3500. */
static bool mhz_of_model(struct slice model, uint64_t *ret_mhz)
{
    struct slice rest = model;
    struct slice whole;
    uint64_t ghz = 0;
    uint64_t hundredths = 0;

    (void)line_until(&rest, '@');
    rest = line_trim(rest);
    if (!line_ends(rest, "GHz"))
        return false;
    rest.len -= strlen("GHz");
    whole = line_until(&rest, '.');
    if (!line_u64(whole, 10, &ghz) || rest.len != 2 || !line_u64(rest, 10, &hundredths) ||
        ghz > 100)
        return false;
    *ret_mhz = ghz * 1000 + hundredths * 10;
    return true;
}

/*
 * The clock that was sold. What cpuinfo tells is the clock of this moment where the processor may
 * change it, and would make each document differ from the last.
 */
static void put_clock(struct probe *p, struct jsw *w, const struct cpu_info *c)
{
    static const char dir[] = "/sys/devices/system/cpu/cpu0/cpufreq";
    uint64_t mhz = c->mhz;
    uint64_t khz = 0;

    if (probe_u64(p, &khz, "%s/base_frequency", dir) == 0)
        mhz = khz / 1000;
    else if (!mhz_of_model(c->model, &mhz) && probe_exists(p, dir))
        mhz = 0;
    if (mhz > 0 && mhz < UINT32_MAX)
        jsw_u64(w, "frequency_mhz", mhz);
    if (probe_u64(p, &khz, "%s/cpuinfo_max_freq", dir) == 0 && khz >= 1000 && khz < UINT32_MAX)
        jsw_u64(w, "frequency_max_mhz", khz / 1000);
}

int collect_cpu(struct probe *p, struct jsw *w, struct err *err)
{
    auto_buf struct buf b = {0};
    auto_free struct cpu_info *c = calloc(1, sizeof(*c));
    uint64_t sockets = 0;
    uint64_t cores = 0;
    int rc;

    if (!c)
        return err_set(err, -ENOMEM, "no memory for cpuinfo");
    rc = probe_read(p, "/proc/cpuinfo", COLLECT_BIG_FILE_MAX_BYTES, &b, NULL, err);
    if (rc < 0)
        return rc;
    take_text(c, buf_slice(&b));
    if (c->threads == 0)
        return err_set(err, -EINVAL, "/proc/cpuinfo names no processor");
    count_places(c, &sockets, &cores);
    collect_put_slice(w, "model", c->model);
    put_arch(p, w, c);
    jsw_u64(w, "sockets", sockets);
    jsw_u64(w, "cores", cores);
    jsw_u64(w, "threads", c->threads);
    put_clock(p, w, c);
    put_flags(w, c->flags);
    return 0;
}
