/* SPDX-License-Identifier: Apache-2.0 */
/* Text for a terminal, parts of which may come from a host or a planner. */
#ifndef GODWIT_CLI_SAFE_H
#define GODWIT_CLI_SAFE_H

/* text_sanitize in place, but lines stay lines and colours (ESC [ digits m) stay colours: nothing
 * worse than a colour can come from outside. */
void safe_text(char *text);

#endif
