/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failpoints: named places where a test stops or breaks the program.
 *
 *   GODWIT_FAILPOINT=pack_put:3=kill;point_put=err:EIO;queue_pop:*=delay:50
 *
 * name[@OFFSET+LEN][:N]=action  N = the Nth pass, 1 by default; * = every pass; with a range, only
 * passes that touch these bytes count. Actions: kill (SIGKILL to
 * ourselves), err:ERRNO (failpoint() returns -ERRNO), delay:MS, count. GODWIT_FAILPOINT_COUNT=FILE
 * gets one line "name" a pass, so that a kill loop can learn which points a story passes: of every
 * failpoint, or only of those with the action count when there are any.
 *
 * A specification that does not parse ends the program with exit code 2 at its start, so that no
 * test runs without its fault. Compiled in with --enable-failpoints (tests), else nothing remains
 * of them: name is not even looked at.
 */
#ifndef GODWIT_BASE_FAIL_H
#define GODWIT_BASE_FAIL_H

#include <stdint.h>

#ifdef GODWIT_FAILPOINTS
#define failpoint(name) fail_point(name, 0, UINT64_MAX)
#define failpoint_at(name, offset, len) fail_point(name, offset, len)
#else
#define failpoint(name) (0)
#define failpoint_at(name, offset, len) (0)
#endif

/* What failpoint() calls: 0, or the negative errno of a matching rule. The pass is about len bytes
 * at offset. Any thread. */
int fail_point(const char *name, uint64_t offset, uint64_t len);

#endif
