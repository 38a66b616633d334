/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failpoints: named places where a test stops or breaks the program.
 *
 *   GODWIT_FAILPOINT=pack_put:3=kill;point_put=err:EIO;queue_pop=delay:50
 *
 * name[:N]=action  N = the Nth pass, 1 by default. Actions: kill (SIGKILL to ourselves),
 * err:ERRNO (failpoint() returns -ERRNO), delay:MS, count (GODWIT_FAILPOINT_COUNT=FILE gets one
 * line a pass, so that a kill loop can learn which points a story passes).
 * Compiled in with --enable-failpoints (tests), else nothing remains of them.
 */
#ifndef GODWIT_BASE_FAIL_H
#define GODWIT_BASE_FAIL_H

#ifdef GODWIT_FAILPOINTS
int fail_point(const char *name);
#define failpoint(name) fail_point(name)
#else
#define failpoint(name) (0)
#endif

#endif
