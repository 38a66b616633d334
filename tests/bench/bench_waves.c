/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How good the plans of the waves are, and how long they take.
 *
 *   bench_waves INSTANCE [SEED [THREADS]]
 *
 * The plan goes to standard output, one wave (from 0) a line; objective, bound, gap and time go to
 * standard error. Ends with 1 when no plan keeps everything.
 */
#include "base/auto.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/num.h"
#include "planner/engine/wave_solve.h"
#include "tests/bench/wave_read.h"

#include <stdio.h>
#include <sys/resource.h>

#include "base/banned.h"

static double cpu_s(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_utime.tv_sec + (double)u.ru_utime.tv_usec / 1e6 +
           (double)u.ru_stime.tv_sec + (double)u.ru_stime.tv_usec / 1e6;
}

static void show(const struct wave_problem *p, const struct wave_solution *s, uint64_t took_ms)
{
    for (size_t g = 0; g < p->groups; g++)
        printf("%u\n", s->plan[g]);
    fprintf(stderr,
            "groups %zu waves %zu objective %.1f bound %.1f gap %.2f%% wall %.1f s cpu %.1f s%s\n",
            p->groups, p->waves, (double)s->cost / WAVE_READ_UNIT,
            (double)s->bound / WAVE_READ_UNIT, 100 * wave_solution_gap(s), (double)took_ms / 1000,
            cpu_s(), s->verdict == WAVE_SOLVED ? "" : "; constraints are broken");
}

int main(int argc, char **argv)
{
    struct wave_instance w = {0};
    struct wave_solve_spec spec = {.seed = 1};
    auto_wave_solution struct wave_solution s = {0};
    uint64_t start_ms = clock_mono_ms(&clock_system), threads = 0;
    struct err err = {0};
    int r;

    if (argc < 2 || argc > 4 ||
        (argc > 2 && num_parse_u64(argv[2], 0, 1000000, &spec.seed, NULL) < 0) ||
        (argc > 3 && num_parse_u64(argv[3], 0, 64, &threads, NULL) < 0)) {
        fprintf(stderr, "usage: bench_waves INSTANCE [SEED [THREADS]]\n");
        return 2;
    }
    spec.threads = (unsigned)threads;
    r = wave_read(argv[1], &w, &err);
    if (r == 0)
        r = wave_solve(&w.p, &spec, &s, &err);
    if (r == 0)
        show(&w.p, &s, clock_mono_ms(&clock_system) - start_ms);
    else
        fprintf(stderr, "bench_waves: %s\n", err.text);
    wave_read_done(&w);
    return r < 0 || s.verdict != WAVE_SOLVED;
}
