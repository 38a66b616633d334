/* SPDX-License-Identifier: Apache-2.0 */
/* The last include of every .c file: names that must not be used become compile errors.
 * (alloca is a macro of stdlib.h, which cannot be poisoned after it: -Walloca refuses it.) */
#ifndef GODWIT_BASE_BANNED_H
#define GODWIT_BASE_BANNED_H

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets strtok atoi atol strtol
#pragma GCC poison sscanf system popen mktemp

#endif
